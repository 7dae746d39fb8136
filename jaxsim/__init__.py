"""Table of public names."""
