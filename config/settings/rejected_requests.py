"""The record of why requests were refused, which `manage.py explain_request` reads."""

from core.environment import env

REFUSAL_RETENTION = env.duration_or_zero("REFUSAL_RETENTION", "24h")
REFUSAL_WRITE_SECONDS: float | None = 1.0
REFUSAL_BEARER = "accounts.api.rejected_tokens.token_reader"
