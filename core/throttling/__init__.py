"""How often something may happen: counted in Redis, or by each process for itself while Redis is away."""
