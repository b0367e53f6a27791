"""What a service reads about a token (RFC 7662 §2.2)."""

from typing import Any

from django.conf import settings

from accounts.services.introspection import ACCESS, ActiveToken


def introspection_response(found: ActiveToken | None) -> dict[str, Any]:
    """Of a token that is not active nothing is told, not even why. Only an access token is of type `Bearer`."""
    if found is None:
        return {"active": False}
    kind = {"token_type": "Bearer"} if found.use == ACCESS else {}
    return kind | {
        "active": True,
        "token_use": found.use,
        "sub": str(found.principal.id),
        "username": found.principal.username,
        "role": found.principal.role,
        "sid": str(found.claims.session_id),
        "jti": str(found.claims.jti),
        "iat": found.claims.issued_at,
        "exp": found.claims.expires_at,
        "iss": settings.JWT_ISSUER,
        "aud": settings.JWT_AUDIENCE,
    }
