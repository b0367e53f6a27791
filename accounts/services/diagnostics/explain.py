"""Why a request was refused, in a sentence with facts: from the record of the refusal, the audit and the session."""

from collections.abc import Callable, Iterator, Sequence

from django.utils import translation

from accounts.models import AuditEvent, AuditKind, User
from accounts.services.diagnostics import formatting, revoking_events
from accounts.services.diagnostics.formatting import time_of
from core.api.exceptions import ApiError, NotFound
from core.redis.client import RedisAway
from core.rejected_requests import store
from core.rejected_requests.records import Refusal
from sessions_tracking.models import Session

_Deeds = Sequence[AuditEvent]
_LOGIN_FAILED = {
    "unknown_account": "nobody has the name or address that was given",
    "wrong_password": "the password of {user} was wrong",
    "inactive": "the password was right, but {user} is deactivated",
    "email_not_verified": "the password was right, but {user} has not verified the address yet",
}


def explain(request_id: str) -> str:
    """Raises NotFound where nothing is known of a request of that id, and RedisAway where Redis would have to be asked."""
    deeds = list(AuditEvent.objects.filter(request_id=request_id).order_by("created_at", "id"))
    try:
        refusal = store.find(request_id)
    except RedisAway:
        if not deeds:
            raise
        refusal = None
    if refusal is None and not deeds:
        raise NotFound
    sentences = [_sentence(refusal, deeds)] if refusal is not None else ["No refusal is on record under that id."]
    if deeds:
        sentences.append(f"In the audit of the same request: {'; '.join(map(formatting.deed, deeds))}.")
    return " ".join(sentences)


def _sentence(refusal: Refusal, deeds: _Deeds) -> str:
    where = f"{refusal.method} {refusal.route}" if refusal.route else f"{refusal.method} of a path that does not exist"
    origin = f", from {refusal.ip}" if refusal.ip else ""
    because = _for_a_fault if refusal.status >= 500 else _BECAUSE.get(refusal.code, _as_the_answer_said)
    head = f"{refusal.status} {refusal.code} on {where} at {time_of(refusal.at)}{origin}"
    return f"{head}: {because(refusal, deeds)}."


def _for_a_fault(refusal: Refusal, deeds: _Deeds) -> str:
    return f"it failed on our side; what happened is in the log, in the lines with [{refusal.request_id}]"


def _session_is_over(refusal: Refusal, deeds: _Deeds) -> str:
    if refusal.session_id is None or refusal.user_id is None:
        return "the session is over; which one it was is not known"
    session = Session.objects.select_related("user").filter(id=refusal.session_id).first()
    if session is None:
        return _session_is_gone(refusal)
    name = f"session {session.id} of {formatting.user(session.user_id)}"
    if session.revoked_at is not None:
        deed = revoking_events.deed_behind(session)
        trace = formatting.trace(deed) if deed else " (the audit has forgotten by whom)"
        return f"{name} was ended by {session.revoked_reason} at {time_of(session.revoked_at)}{trace}"
    if session.expires_at <= refusal.at:
        return f"{name} expired at {time_of(session.expires_at)}: it was last refreshed at {time_of(session.refresh_issued_at)}"
    if not User.objects.filter(id=session.user_id, is_active=True).exists():
        return f"{name} is of no use while its user is deactivated"
    return f"{name} is active, and expires at {time_of(session.expires_at)}"


def _session_is_gone(refusal: Refusal) -> str:
    if refusal.session_id is None or refusal.user_id is None:
        return "the session is gone"
    name = f"session {refusal.session_id} of {formatting.user(refusal.user_id)}"
    deed = revoking_events.last_deed(user_id=refusal.user_id, session_id=refusal.session_id, before=refusal.at)
    if deed is None:
        return f"{name} is over and was removed since, and the audit knows nothing that ended it: it must have expired"
    return f"{name} is over and was removed since; what ended it was most likely {formatting.deed(deed)}"


def _token_expired(refusal: Refusal, deeds: _Deeds) -> str:
    return f"the token had expired, and should have been exchanged by a refresh; {_session_is_over(refusal, deeds)}"


def _token_invalid(refusal: Refusal, deeds: _Deeds) -> str:
    if refusal.status != 401:
        return "the link's token is not valid: used, expired, replaced by a newer one, or never ours"
    if refusal.session_id is not None:
        return f"the token is well signed, but not of the right kind; {_session_is_over(refusal, deeds)}"
    return (
        "the token is not ours: malformed, changed, of another kind, or signed with a key that is not in use any more"
    )


def _sign_in_failed(refusal: Refusal, deeds: _Deeds) -> str:
    for deed in deeds:
        if deed.kind == AuditKind.LOGIN_FAILED:
            reason = str(deed.facts.get("reason", ""))
            return _LOGIN_FAILED.get(reason, reason).format(user=formatting.user(deed.user_id))
    return _as_the_answer_said(refusal, deeds)


def _too_often(refusal: Refusal, deeds: _Deeds) -> str:
    limit = f"the limit {formatting.limit(refusal.limit)} was used up" if refusal.limit else "there were too many tries"
    return f"{limit}; it was told to come again in {refusal.retry_after} s" if refusal.retry_after else limit


def _not_valid(refusal: Refusal, deeds: _Deeds) -> str:
    return f"not valid: {', '.join(refusal.fields)}" if refusal.fields else _as_the_answer_said(refusal, deeds)


def _not_found(refusal: Refusal, deeds: _Deeds) -> str:
    if not refusal.route:
        return "there is no such path"
    return f"nothing is there under that id, or it is not that of {formatting.user(refusal.user_id)}"


def _not_allowed(refusal: Refusal, deeds: _Deeds) -> str:
    user = User.objects.filter(id=refusal.user_id).first() if refusal.user_id else None
    role = f", whose role is {user.role} now," if user else ""
    return f"{formatting.user(refusal.user_id)}{role} may not do that"


def _as_the_answer_said(refusal: Refusal, deeds: _Deeds) -> str:
    found = next((error for error in _errors(ApiError) if error.code == refusal.code), None)
    with translation.override("en"):
        return str(found.message).rstrip(".") if found else "no more is known than the code"


def _errors(parent: type[ApiError]) -> Iterator[type[ApiError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _errors(child)


_BECAUSE: dict[str, Callable[[Refusal, _Deeds], str]] = {
    "session_revoked": _session_is_over,
    "refresh_token_reused": _session_is_over,
    "token_expired": _token_expired,
    "token_invalid": _token_invalid,
    "authentication_required": lambda _refusal, _deeds: "no token came with it",
    "invalid_credentials": _sign_in_failed,
    "email_not_verified": _sign_in_failed,
    "rate_limited": _too_often,
    "too_many_attempts": _too_often,
    "validation_error": _not_valid,
    "not_found": _not_found,
    "permission_denied": _not_allowed,
}
