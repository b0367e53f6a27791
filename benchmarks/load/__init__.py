"""The load: what to send, and two clients that send it."""
