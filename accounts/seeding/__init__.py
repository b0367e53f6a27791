"""People who do not exist, their sessions and what the audit says of them: the same again for the same seed."""
