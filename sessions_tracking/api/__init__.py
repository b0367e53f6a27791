"""The sessions of a user over HTTP."""
