"""Email: promised in an outbox, sent by the worker."""
