"""Django's backend for PostgreSQL, with connections that outlive a request."""
