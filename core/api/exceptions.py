"""The API's errors: each a class with a status, a stable code and a message for people."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.cookies import Morsel

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

type_of_message = str | Promise
FieldErrors = Mapping[str, Sequence[type_of_message]]


class ApiError(Exception):
    """Raise a subclass; `core.api.exception_handler` renders it.

    `errors` has messages by field; `headers` and `cookies` are added to the response.
    """

    status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR
    code: str = "server_error"
    message: type_of_message = _("Something went wrong on our side.")
    cookies: Sequence[Morsel[str]] = ()

    def __init__(self, *, errors: FieldErrors | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.code)
        self.errors = errors
        self.headers = dict(headers or {})


class ServerError(ApiError):
    pass


class ValidationFailed(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "validation_error"
    message = _("Some fields are not valid.")


class ParseFailed(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "parse_error"
    message = _("The body must be a JSON object.")


class BadRequest(ApiError):
    """The request itself is malformed: its host, its query or its encoding."""

    status, code = HTTPStatus.BAD_REQUEST, "bad_request"
    message = _("The request is malformed.")


class Unauthorized(ApiError):
    """Any 401. A 401 must name how to authenticate (RFC 9110 §11.6.1)."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, *, errors: FieldErrors | None = None) -> None:
        super().__init__(errors=errors, headers={"WWW-Authenticate": "Bearer"})


class AuthenticationRequired(Unauthorized):
    code, message = "authentication_required", _("Sign in first.")


class TokenInvalid(Unauthorized):
    code, message = "token_invalid", _("The token is not valid.")


class TokenExpired(Unauthorized):
    code, message = "token_expired", _("The token has expired.")


class SessionRevoked(Unauthorized):
    code, message = "session_revoked", _("This session has ended. Sign in again.")


class PermissionDenied(ApiError):
    status, code = HTTPStatus.FORBIDDEN, "permission_denied"
    message = _("You don't have permission to do this.")


class OriginNotAllowed(ApiError):
    status, code = HTTPStatus.FORBIDDEN, "origin_not_allowed"
    message = _("Requests from this site are not accepted.")


class NotFound(ApiError):
    status, code = HTTPStatus.NOT_FOUND, "not_found"
    message = _("Not found.")


class MethodNotAllowed(ApiError):
    status, code = HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed"
    message = _("This method is not supported here.")


class PayloadTooLarge(ApiError):
    status, code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "payload_too_large"
    message = _("The body is larger than 64 KiB.")


class UnsupportedMediaType(ApiError):
    status, code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"
    message = _("Send JSON, as application/json in UTF-8.")


class RateLimited(ApiError):
    """`retry_after` is in whole seconds."""

    status, code = HTTPStatus.TOO_MANY_REQUESTS, "rate_limited"
    message = _("Too many requests. Try again later.")

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after)})


class ServiceUnavailable(ApiError):
    """The database or another dependency is unavailable. The request changed nothing and may be sent again."""

    status, code = HTTPStatus.SERVICE_UNAVAILABLE, "service_unavailable"
    message = _("The service is temporarily unavailable. Try again.")

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class Overloaded(ServiceUnavailable):
    """Too many requests at once to serve them in time. It is no error of the service, and is not logged."""


SHARED: tuple[type[ApiError], ...] = (
    ValidationFailed,
    ParseFailed,
    BadRequest,
    AuthenticationRequired,
    TokenInvalid,
    TokenExpired,
    SessionRevoked,
    PermissionDenied,
    OriginNotAllowed,
    NotFound,
    MethodNotAllowed,
    PayloadTooLarge,
    UnsupportedMediaType,
    ServerError,
    ServiceUnavailable,
)


def for_status(status: int) -> ApiError:
    """Return the error of a response that a framework made with a bare status."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(retry_after=60)
    special: dict[int, type[ApiError]] = {400: BadRequest, 401: AuthenticationRequired, 500: ServerError}
    error_class = special.get(status) or next((error for error in SHARED if error.status == status), None)
    return (
        error_class() if error_class else (BadRequest() if status < HTTPStatus.INTERNAL_SERVER_ERROR else ServerError())
    )
