"""Generates fictitious users, sessions and audit events; the same seed generates the same rows."""
