"""The introspection response (RFC 7662 §2.2)."""

from typing import Any

from django.conf import settings

from accounts.services.introspection import ACCESS, ActiveToken


def introspection_response(token: ActiveToken | None) -> dict[str, Any]:
    """Return only `active: false` for an inactive token, without a reason. Only access tokens have `token_type: Bearer`."""
    if token is None:
        return {"active": False}
    kind = {"token_type": "Bearer"} if token.use == ACCESS else {}
    return kind | {
        "active": True,
        "token_use": token.use,
        "sub": str(token.principal.id),
        "username": token.principal.username,
        "role": token.principal.role,
        "acr": token.principal.acr,
        "amr": list(token.principal.amr),
        "auth_time": token.principal.auth_time,
        "sid": str(token.claims.session_id),
        "jti": str(token.claims.jti),
        "iat": token.claims.issued_at,
        "exp": token.claims.expires_at,
        "iss": settings.JWT_ISSUER,
        "aud": settings.JWT_AUDIENCE,
    }
