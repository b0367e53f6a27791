"""Whether this is a developer's machine; the other topics choose their defaults by it."""

from core.environment import env

DEBUG = env.boolean("DEBUG", default=False)
