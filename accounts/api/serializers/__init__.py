"""What clients send, checked for its shape and changed in nothing."""
