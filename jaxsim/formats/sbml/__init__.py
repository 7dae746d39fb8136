"""Systems Biology Markup Language, Level 2 and 3, through libSBML."""
