"""Django's backend for PostgreSQL, with connections that are reused between requests."""
