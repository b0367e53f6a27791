"""Who is signed in, and from where. Knows users only as settings.AUTH_USER_MODEL."""
