"""Explains why a request was rejected, in one sentence: from the record of the rejected request, the audit and the session."""

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from django.utils import translation

from accounts.models import AuditEvent, AuditKind, User
from accounts.services.diagnostics.session_report import get_revoking_event, latest_revoking_event
from core.api.exceptions import ApiError, NotFound
from core.redis.client import RedisUnavailable
from core.rejected_requests import store
from core.rejected_requests.records import RejectedRequest
from sessions_tracking.models import Session

AuditEvents = Sequence[AuditEvent]

_POLICY = re.compile(r'"([^"]+)";q=(\d+);w=(\d+)')
_LOGIN_FAILURES = {
    "unknown_account": "no account has the given username or email",
    "wrong_password": "the password of {user} was wrong",
    "inactive": "the credentials were correct, but {user} is deactivated",
    "wrong_login_code": "the emailed code or link was wrong, expired or used, or belongs to another sign-in",
    "passkey_unknown": "no account has the passkey",
    "passkey_invalid": "the passkey of {user} gave an invalid response",
    "challenge_invalid": "the passkey of {user} signed a challenge that has expired, or that was not issued for a sign-in",
    "challenge_used": "the passkey of {user} signed a challenge that had been used before",
    "email_not_verified": "the credentials were correct, but {user} has not verified their email",
}


def explain(request_id: str) -> str:
    """Raise NotFound for an unknown request, or RedisUnavailable if Redis is unavailable and the audit has no event."""
    events = list(AuditEvent.objects.filter(request_id=request_id).order_by("created_at", "id"))
    try:
        rejected = store.find(request_id)
    except RedisUnavailable:
        if not events:
            raise
        rejected = None
    if rejected is None and not events:
        raise NotFound
    sentences = [_sentence(rejected, events)] if rejected is not None else ["No rejected request has this ID."]
    if events:
        sentences.append(f"Audit events of this request: {'; '.join(map(_format_event, events))}.")
    return " ".join(sentences)


def _sentence(rejected: RejectedRequest, events: AuditEvents) -> str:
    target = rejected.route or "an unknown path"
    origin = f", from {rejected.ip}" if rejected.ip else ""
    explain_code = _internal_error if rejected.status >= 500 else _EXPLANATIONS.get(rejected.code, _login_failed)
    head = f"{rejected.status} {rejected.code} on {rejected.method} {target} at {_format_time(rejected.at)}{origin}"
    return f"{head}: {explain_code(rejected, events)}."


def _internal_error(rejected: RejectedRequest, events: AuditEvents) -> str:
    return f"an internal error; the log lines with [{rejected.request_id}] have the details"


def _session_ended(rejected: RejectedRequest, events: AuditEvents) -> str:
    if rejected.session_id is None or rejected.user_id is None:
        return "the session has ended; its ID is unknown"
    session = Session.objects.select_related("user").filter(id=rejected.session_id).first()
    if session is None:
        return _session_deleted(rejected.session_id, rejected.user_id, rejected.at)
    label = f"session {session.id} of {_format_user(session.user_id)}"
    if session.revoked_at is not None:
        event = get_revoking_event(session)
        details = _event_details(event) if event else " (its audit event was removed)"
        return f"{label} was ended by {session.revoked_reason} at {_format_time(session.revoked_at)}{details}"
    if session.expires_at <= rejected.at:
        refreshed_at, expired_at = _format_time(session.refresh_issued_at), _format_time(session.expires_at)
        return f"{label} was last refreshed at {refreshed_at} and expired at {expired_at}"
    if not User.objects.filter(id=session.user_id, is_active=True).exists():
        return f"{label} cannot be used while the user is deactivated"
    return f"{label} is active, and expires at {_format_time(session.expires_at)}"


def _session_deleted(session_id: uuid.UUID, user_id: uuid.UUID, rejected_at: datetime) -> str:
    label = f"session {session_id} of {_format_user(user_id)} has ended and was deleted"
    event = latest_revoking_event(user_id=user_id, session_id=session_id, before=rejected_at)
    if event is None:
        return f"{label}; it probably expired, as the audit has no event that ended it"
    return f"{label}; the event that ended it was most likely {_format_event(event)}"


def _token_expired(rejected: RejectedRequest, events: AuditEvents) -> str:
    return f"the access token had expired, and the client did not refresh it; {_session_ended(rejected, events)}"


def _token_invalid(rejected: RejectedRequest, events: AuditEvents) -> str:
    if rejected.status != 401:
        return "the token of the link is invalid: used, expired, replaced by a newer one, or not issued by this service"
    if rejected.session_id is not None:
        return f"the token is signed correctly, but is of the wrong type; {_session_ended(rejected, events)}"
    return (
        "the token was not issued by this service: malformed, modified, of another type, or signed with a key that is "
        "no longer in use"
    )


def _login_failed(rejected: RejectedRequest, events: AuditEvents) -> str:
    """Explain a failed sign-in by its audit event, any other error by its message."""
    for event in events:
        if event.kind == AuditKind.LOGIN_FAILED:
            reason = str(event.facts.get("reason", ""))
            return _LOGIN_FAILURES.get(reason, reason).format(user=_format_user(event.user_id))
    return _message_of_code(rejected, events)


def _rate_limited(rejected: RejectedRequest, events: AuditEvents) -> str:
    exceeded = f"the limit {_format_limit(rejected.limit)} was exceeded" if rejected.limit else "too many attempts"
    return (
        f"{exceeded}; the response said to retry after {rejected.retry_after} s" if rejected.retry_after else exceeded
    )


def _invalid_fields(rejected: RejectedRequest, events: AuditEvents) -> str:
    return f"invalid fields: {', '.join(rejected.fields)}" if rejected.fields else _message_of_code(rejected, events)


def _not_found(rejected: RejectedRequest, events: AuditEvents) -> str:
    if not rejected.route:
        return "the path does not exist"
    return f"the object does not exist, or does not belong to {_format_user(rejected.user_id)}"


def _not_allowed(rejected: RejectedRequest, events: AuditEvents) -> str:
    user = User.objects.filter(id=rejected.user_id).first() if rejected.user_id else None
    role = f", whose role is now {user.role}," if user else ""
    return f"{_format_user(rejected.user_id)}{role} does not have permission"


def _message_of_code(rejected: RejectedRequest, events: AuditEvents) -> str:
    error = next((error for error in _subclasses(ApiError) if error.code == rejected.code), None)
    with translation.override("en"):
        return str(error.message).rstrip(".") if error else "there are no details"


def _subclasses(parent: type[ApiError]) -> Iterator[type[ApiError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


def _format_time(timestamp: datetime) -> str:
    return f"{timestamp.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _format_user(user_id: uuid.UUID | None) -> str:
    """Return the username, or the id of a deleted user: the audit outlives the account."""
    if user_id is None:
        return "an unknown user"
    username = User.objects.filter(id=user_id).values_list("username", flat=True).first()
    return f"user {username}" if username else f"deleted user {user_id}"


def _format_event(event: AuditEvent) -> str:
    return f"{event.kind} at {_format_time(event.created_at)}{_event_details(event)}"


def _event_details(event: AuditEvent) -> str:
    actor = _format_actor(event)
    parts = (
        f"by {actor}" if actor else "",
        f"request {event.request_id}" if event.request_id else "from a command or shell",
        f"from {event.ip}" if event.ip else "",
        event.device.replace(", ", " on ", 1),
    )
    return f" ({', '.join(filter(None, parts))})"


def _format_actor(event: AuditEvent) -> str:
    """Return an empty text if the user did it themselves."""
    if "clientName" in event.facts:
        return f"the service {event.facts['clientName']}"
    return _format_user(event.actor_id) if event.actor_id not in {None, event.user_id} else ""


def _format_limit(policy: str) -> str:
    """Format `"login";q=30;w=60` as “login” (30 in 60 s)."""
    parsed = _POLICY.fullmatch(policy)
    return f"“{parsed[1]}” ({parsed[2]} in {parsed[3]} s)" if parsed else policy


_EXPLANATIONS: dict[str, Callable[[RejectedRequest, AuditEvents], str]] = {
    "session_revoked": _session_ended,
    "refresh_token_reused": _session_ended,
    "token_expired": _token_expired,
    "token_invalid": _token_invalid,
    "authentication_required": lambda _rejected, _events: "the request had no token",
    "rate_limited": _rate_limited,
    "too_many_attempts": _rate_limited,
    "validation_error": _invalid_fields,
    "not_found": _not_found,
    "permission_denied": _not_allowed,
}
