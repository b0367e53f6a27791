"""The bodies and queries of requests. They are validated and not altered."""
