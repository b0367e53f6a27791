"""The account flows over HTTP: validate, call the service, respond."""
