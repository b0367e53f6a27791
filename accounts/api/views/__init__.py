"""A view set for each part of the contract. A view validates, calls a service and responds."""
