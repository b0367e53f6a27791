"""DEBUG is on only in development. The other settings choose their defaults by it."""

from core.environment import env

DEBUG = env.boolean("DEBUG", default=False)
