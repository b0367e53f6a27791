"""The route of a request as a template, for logs and metrics: it holds nothing that a client wrote."""

import re

_GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")


def route_template(route: str) -> str:
    """Return `/api/auth/users/{pk}` for Django's `api/auth/users/(?P<pk>[^/]+)/?$`, and "" for the catch-all route."""
    plain = _GROUP.sub(r"{\1}", route).removesuffix("/?$")
    return "" if plain.startswith("^") else f"/{plain}"
