"""BioNetGen's .net files: a generated network with all its species and reactions."""
