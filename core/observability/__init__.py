"""What an operator sees from outside: how requests go, and how the things stand that the service needs."""
