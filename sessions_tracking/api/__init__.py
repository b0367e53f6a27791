"""The HTTP endpoints of a user's sessions."""
