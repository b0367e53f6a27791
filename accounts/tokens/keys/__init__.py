"""The asymmetric keys of access tokens: PEM files with their state in the name, and the key ring of a process."""
