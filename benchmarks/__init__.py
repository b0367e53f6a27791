"""Measures this product beside its peers and beside the limits of what it is built on. `make bench` runs it."""
