"""Why requests were refused: a small record of each for a while, for whoever is asked about one by its id."""
