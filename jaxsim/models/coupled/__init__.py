"""The organism with a tumour of single cells, by tables or cell by cell: population, study, figures and command."""
