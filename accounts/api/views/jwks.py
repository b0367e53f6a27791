"""The public halves of the keys that sign access tokens, for whoever verifies them without asking us."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.tokens.keys import ring
from core.http.safe_methods import read_only


@read_only
def jwks(request: HttpRequest) -> HttpResponse:
    """RFC 7517 §5. Empty under HS256, whose key is nobody's but ours. Public, so any page of any site may read it."""
    keys = ring.current().published() if settings.JWT_PRIVATE_KEYS else {"keys": []}
    seconds = int(settings.JWKS_MAX_AGE.total_seconds())
    headers = {"Cache-Control": f"public, max-age={seconds}", "Access-Control-Allow-Origin": "*"}
    return JsonResponse(keys, headers=headers)
