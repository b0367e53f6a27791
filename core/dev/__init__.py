"""The servers that development and the tests start by themselves."""
