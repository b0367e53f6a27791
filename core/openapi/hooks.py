"""Hooks that complete the OpenAPI document: paths without trailing slashes, an introduction, security schemes, errors."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from core.api import exceptions
from core.api.exceptions import ApiError
from core.openapi.operation import BEARER, CLIENT, COOKIE, REFRESH_COOKIE

Endpoint = tuple[str, str, str, Any]

_SECURITY = {
    BEARER: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`Authorization: Bearer <accessToken>`. If the header is present, the cookie is ignored.",
    },
    COOKIE: {
        "type": "apiKey",
        "in": "cookie",
        "name": "jwt",
        "description": "The access token, in a cookie set by login and refresh. It is rejected for cross-site changes.",
    },
    REFRESH_COOKIE: {
        "type": "apiKey",
        "in": "cookie",
        "name": "refreshToken",
        "description": "The refresh token, in the cookie that login and refresh set. Used if the body has no refresh token.",
    },
    CLIENT: {
        "type": "http",
        "scheme": "basic",
        "description": "Id and secret of a service client. The body can have them instead, as `client_id` and `client_secret`.",
    },
}


def without_trailing_slash(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Document each path without the optional trailing slash."""
    return [(path.rstrip("/"), regex, method, view) for path, regex, method, view in endpoints]


def complete(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    errors = sorted(_all_errors(), key=lambda error: (error.status, error.code))
    components = result.setdefault("components", {})
    components["schemas"] = {**components.get("schemas", {}), **_failure(dict.fromkeys(e.code for e in errors))}
    components["securitySchemes"] = _SECURITY
    result["info"]["title"] = settings.PRODUCT_NAME
    result["info"]["description"] = _introduction()
    return result


def _introduction() -> str:
    """Render the introduction. The errors are passed as plain values, because a template would call the classes."""
    classes: list[type[ApiError]] = [*exceptions.SHARED, exceptions.RateLimited]
    shared = sorted(classes, key=lambda error: error.status)
    rows = [{"status": error.status.value, "code": error.code, "message": error.message} for error in shared]
    return str(render_to_string("docs/introduction.md", {"errors": rows})).strip()


def _failure(codes: Iterable[str]) -> dict[str, Any]:
    texts = {"type": "array", "items": {"type": "string"}}
    properties = {
        "success": {"type": "boolean", "const": False},
        "message": {"type": "string", "description": "For people, in the language of `Accept-Language`."},
        "code": {"type": "string", "enum": list(codes), "description": "For programs; stable."},
        "errors": {
            "type": "object",
            "additionalProperties": texts,
            "description": "The errors of each field. Nested fields have dotted names.",
        },
    }
    required = ["success", "message", "code"]
    return {"Failure": {"type": "object", "properties": properties, "required": required}}


def _all_errors(base: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    """Yield every error class that defines a code."""
    for error in base.__subclasses__():
        if "code" in vars(error) or error is exceptions.ServerError:
            yield error
        yield from _all_errors(error)
