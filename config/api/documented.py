"""What the OpenAPI document says of an operation, told beside its view in one word: `@documented(docs.LOGIN)`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from rest_framework.serializers import Serializer

from config.api.exceptions import ApiError

View = TypeVar("View", bound=Callable[..., Any])
Samples = Mapping[str, Mapping[str, Any]]
Shape = type[Serializer[Any]]
_ATTRIBUTE = "documented_operation"

BEARER, COOKIE, REFRESH_COOKIE = "bearerAuth", "cookieAuth", "refreshCookie"
NOBODY = ""
SETS_COOKIES = {
    "Set-Cookie": "Sets `jwt` (path `/`) and `refreshToken` (path `/api/auth`), one header line each: `HttpOnly`, "
    "`SameSite=Lax`, each living as long as its token. Absent with `X-Token-Transport: body`."
}
CLEARS_COOKIES = {"Set-Cookie": "Clears `jwt` and `refreshToken`, one header line each."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. `EnvelopeSchema` adds what follows by rule: envelope, and errors of parsing, authentication and outages.

    `query` is a form whose fields are parameters. `requests` and `answers` are samples by title: of the body, and of `data`.
    `message` is the text that comes with success. `security` names the schemes that serve, NOBODY among them where none does
    too; None leaves it to the view's permissions.
    """

    tag: str
    summary: str
    name: str = ""
    request: Shape | None = None
    requests: Samples = field(default_factory=dict)
    data: Shape | None = None
    answers: Samples = field(default_factory=dict)
    message: str | None = None
    status: HTTPStatus = HTTPStatus.OK
    errors: Sequence[ApiError | type[ApiError]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Sequence[Mapping[str, Any]] = ()
    query: Shape | None = None
    security: Sequence[str] | None = None
    is_also_page: bool = False


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
