"""Django's backend for SQLite, whose file is for its owner alone."""
