"""Growth and load: a million sessions, a million requests, storms. `make bench-scale` runs it."""
