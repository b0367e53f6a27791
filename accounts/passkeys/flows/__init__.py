"""The flows of passkeys: one file for each use of a passkey, and for their administration by their user."""
