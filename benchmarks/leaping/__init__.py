"""Error over cost of leaps and other approximate methods."""
