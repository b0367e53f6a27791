"""Email: queued in an outbox, sent by the worker."""
