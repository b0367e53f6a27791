"""The description of an operation in the OpenAPI document: `@documented(docs.LOGIN)` attaches it to a view."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar, cast

from rest_framework.request import Request
from rest_framework.serializers import Serializer

from core.api.exceptions import ApiError

View = TypeVar("View", bound=Callable[..., Any])
Samples = Mapping[str, Mapping[str, Any]]
Shape = type[Serializer[Any]]
_ATTRIBUTE = "documented_operation"

BEARER, COOKIE, REFRESH_COOKIE, CLIENT = "bearerAuth", "cookieAuth", "refreshCookie", "clientAuth"
NO_SECURITY = ""
SETS_COOKIES = {
    "Set-Cookie": "Sets `jwt` (path `/`) and `refreshToken` (path `/api/auth`), one header line each: `HttpOnly`, "
    "`SameSite=Lax`, each living as long as its token, or as the browser with `persistent: false`. Absent with "
    "`X-Token-Transport: body`."
}
CLEARS_COOKIES = {"Set-Cookie": "Clears `jwt` and `refreshToken`, one header line each."}
RATE_LIMIT_HEADERS = {
    "RateLimit-Policy": 'The tightest limit that the request met: how many (`q`) in how many seconds (`w`), `"login";q=30;w=60`.',
    "RateLimit": 'How many are left of it (`r`), and in how many seconds there are more (`t`), `"login";r=29;t=60`.',
    "RateLimit-Limit": "As `q`.",
    "RateLimit-Remaining": "As `r`.",
    "RateLimit-Reset": "As `t`.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A condition for an operation: `check` runs before the view, and raises one of `errors`.

    Without a `check`, the service makes it, because it depends on what the operation changes.
    """

    errors: Sequence[ApiError]
    check: Callable[[Request], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. `EnvelopeSchema` adds the envelope and the errors of parsing, authentication and outages.

    `query` is a form whose fields are parameters. `requests` and `responses` are samples by title: of the body and of `data`.
    If `data` has several shapes, a response has one of them.
    `message` is the text of a success, and `messages` has others by the title of their sample. `security` names the accepted
    schemes, NO_SECURITY among them if authentication is optional; None leaves it to the view's permissions. `guard` is enforced
    by `documented`. `is_limited` says that the operation has rate limits. `is_oauth` allows a form as the body and adds `error`
    to failures. `is_bare` is a response without an envelope: `responses` are samples of the whole body.
    """

    tag: str
    summary: str
    name: str = ""
    request: Shape | None = None
    requests: Samples = field(default_factory=dict)
    data: Shape | tuple[Shape, ...] | None = None
    responses: Samples = field(default_factory=dict)
    message: str | None = None
    messages: Mapping[str, str] = field(default_factory=dict)
    status: HTTPStatus = HTTPStatus.OK
    errors: Sequence[ApiError | type[ApiError]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Sequence[Mapping[str, Any]] = ()
    query: Shape | None = None
    security: Sequence[str] | None = None
    guard: Guard | None = None
    is_also_page: bool = False
    is_limited: bool = False
    is_oauth: bool = False
    is_bare: bool = False


def documented(operation: Operation) -> Callable[[View], View]:
    """Use it as the innermost decorator, below `@action` and `@….mapping`. The view runs only if the operation's guard passes."""

    def attach(view: View) -> View:
        guarded = _guarded(view, operation.guard)
        setattr(guarded, _ATTRIBUTE, operation)
        return guarded

    return attach


def _guarded(view: View, guard: Guard | None) -> View:
    check = guard.check if guard else None
    if check is None:
        return view

    @functools.wraps(view)
    def guarded(view_set: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        check(request)
        return view(view_set, request, *args, **kwargs)

    return cast("View", guarded)


def get_operation(view: object) -> Operation | None:
    return getattr(view, _ATTRIBUTE, None)


def parameter(
    name: str, where: str, description: str, *, schema: Mapping[str, Any] | None = None, example: object = None
) -> dict[str, Any]:
    """Return a parameter object. With an example it is required; without one it stays empty in a form filled from examples."""
    result = {"name": name, "in": where, "description": description, "schema": dict(schema or {"type": "string"})}
    return result if example is None else result | {"required": True, "example": example}
