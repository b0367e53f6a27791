"""Prometheus metrics: their registry, and the directory in which the web processes of a server share them."""
