"""The asymmetric keys of access tokens: PEM files that tell their state by name, and the ring that a process makes of them."""
