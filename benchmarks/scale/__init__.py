"""What growth and load do to the product: a million sessions, a million requests, storms. `make bench-scale` runs it."""
