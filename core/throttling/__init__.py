"""Rate limits: counted in Redis, or in each process's memory while Redis is unavailable."""
