"""Records why requests were rejected, for a limited time, so that an operator can explain a request by its id."""
