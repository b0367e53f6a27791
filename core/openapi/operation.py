"""What the OpenAPI document says of an operation, told beside its view in one word: `@documented(docs.LOGIN)`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from rest_framework.serializers import Serializer

from core.api.exceptions import ApiError

View = TypeVar("View", bound=Callable[..., Any])
Samples = Mapping[str, Mapping[str, Any]]
Shape = type[Serializer[Any]]
_ATTRIBUTE = "documented_operation"

BEARER, COOKIE, REFRESH_COOKIE, CLIENT = "bearerAuth", "cookieAuth", "refreshCookie", "clientAuth"
NOBODY = ""
SETS_COOKIES = {
    "Set-Cookie": "Sets `jwt` (path `/`) and `refreshToken` (path `/api/auth`), one header line each: `HttpOnly`, "
    "`SameSite=Lax`, each living as long as its token. Absent with `X-Token-Transport: body`."
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
class Operation:
    """One operation. `EnvelopeSchema` adds what follows by rule: envelope, and errors of parsing, authentication and outages.

    `query` is a form whose fields are parameters. `requests` and `answers` are samples by title: of the body, and of `data`;
    several shapes of `data` are one or the other.
    `message` is the text that comes with success, `messages` another one by the title of its answer. `security` names the
    schemes that serve, NOBODY among them where none does too; None leaves it to the view's permissions. `is_limited` says how
    often it may still be asked, or `rate_limited`. `is_oauth` is one of OAuth's: a form will do as its body, and failures
    bear `error` too. `is_bare` answers without an envelope: `answers` are samples of the whole.
    """

    tag: str
    summary: str
    name: str = ""
    request: Shape | None = None
    requests: Samples = field(default_factory=dict)
    data: Shape | tuple[Shape, ...] | None = None
    answers: Samples = field(default_factory=dict)
    message: str | None = None
    messages: Mapping[str, str] = field(default_factory=dict)
    status: HTTPStatus = HTTPStatus.OK
    errors: Sequence[ApiError | type[ApiError]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Sequence[Mapping[str, Any]] = ()
    query: Shape | None = None
    security: Sequence[str] | None = None
    is_also_page: bool = False
    is_limited: bool = False
    is_oauth: bool = False
    is_bare: bool = False


def documented(operation: Operation) -> Callable[[View], View]:
    """Stands nearest to the function, below `@action` and `@….mapping`."""

    def attach(view: View) -> View:
        setattr(view, _ATTRIBUTE, operation)
        return view

    return attach


def operation_of(view: object) -> Operation | None:
    return getattr(view, _ATTRIBUTE, None)


def parameter(
    name: str, where: str, description: str, *, schema: Mapping[str, Any] | None = None, example: object = None
) -> dict[str, Any]:
    """A parameter object. One with an example is required; one without stays empty in a form that is filled in from examples."""
    found = {"name": name, "in": where, "description": description, "schema": dict(schema or {"type": "string"})}
    return found if example is None else found | {"required": True, "example": example}
