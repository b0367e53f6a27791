"""The records of rejected requests, which `manage.py explain_request` reads."""

from core.environment import env

REJECTED_REQUEST_RETENTION = env.duration_or_zero("REJECTED_REQUEST_RETENTION", "24h")
REJECTED_REQUEST_WRITE_SECONDS: float | None = 1.0
REJECTED_REQUEST_TOKEN_READER = "accounts.api.rejected_tokens.token_reader"
