"""The second factor: an authenticator app, recovery codes in its stead, and the stage of a sign-in that asks for one."""
