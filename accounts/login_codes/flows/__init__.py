"""The flows of emailed codes: sign-in, and reauthentication of a signed-in user."""
