"""A software authenticator, and helpers of the tests of passkeys."""
