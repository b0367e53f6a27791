"""Composes the message of an outbox row. The worker issues the code or link here, when it sends the email."""

import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q

from accounts.identity import delivery_form
from accounts.mail import kinds
from accounts.mail.kinds import EMAIL_KINDS, EmailKind, Recipient
from accounts.mail.rendering import render
from accounts.models import EmailState, OutboxEmail, Purpose, User
from accounts.verification import verification_codes

# No out-of-office responses: RFC 3834 §5, and Exchange and Outlook by their own header.
_AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


class Unwanted(Exception):
    """The email has no recipient (any more), or no purpose: discard it."""


def compose(email: OutboxEmail) -> EmailMultiAlternatives:
    """Return the message, ready to send, or raise Unwanted. Each copy has the same Message-ID, derived from the row's id."""
    kind = EMAIL_KINDS.get(email.kind)
    if kind is None:  # retried: during an upgrade the kind may be one that only newer workers have
        raise LookupError(email.kind)
    user = _find_user(email, kind)
    rendered = render(
        kind=kind.name, language=user.language if user else email.language, context=_context(email, kind, user)
    )
    message = EmailMultiAlternatives(
        subject=rendered.subject, body=rendered.text, to=[delivery_form(_recipient(email, kind, user))],
        headers={"Message-ID": f"<{email.id}@{_domain()}>", **_AUTOMATIC},
    )  # fmt: skip
    message.attach_alternative(rendered.html, "text/html")
    return message


def _find_user(email: OutboxEmail, kind: EmailKind) -> User | None:
    if kind.recipient is Recipient.DELETED_USER:
        return None
    is_by_email = kind.recipient is Recipient.OWNER_OF_ROW_EMAIL
    user = User.objects.with_email(email.recipient) if is_by_email else email.user
    if user is None or not user.is_active:
        raise Unwanted
    return user


def _recipient(email: OutboxEmail, kind: EmailKind, user: User | None) -> str:
    if user is None or not user.email or kind.recipient is Recipient.USER_AT_ROW_EMAIL:
        return email.recipient
    return user.email


def _context(email: OutboxEmail, kind: EmailKind, user: User | None) -> dict[str, Any]:
    context: dict[str, Any] = dict(email.context) | {
        "product_name": settings.PRODUCT_NAME,
        "public_url": settings.FRONTEND_URL,
        "reset_url": f"{settings.PUBLIC_URL}/reset-password",
    }
    if "happened_at" in context:
        context["happened_at"] = datetime.fromisoformat(context["happened_at"])
    if user is None:
        return context
    return context | {"first_name": user.first_name, "username": user.username} | _code_context(email, kind, user)


def _code_context(email: OutboxEmail, kind: EmailKind, user: User) -> dict[str, Any]:
    """Issue the code or link that the kind carries, if any."""
    if kind.context is not None:
        return dict(kind.context(email, user))
    match kind.purpose:
        case Purpose.VERIFY_EMAIL:
            return _verification_context(_issue(email, kind, user), user)
        case Purpose.RESET_PASSWORD:
            return _reset_context(_issue(email, kind, user))
        case Purpose.CHANGE_EMAIL:
            return _change_code_context(email)
        case Purpose.UNDO_EMAIL_CHANGE:
            return _undo_context(email)
        case _:
            return {}


def _issue(email: OutboxEmail, kind: EmailKind, user: User) -> verification_codes.IssuedCode:
    """Raises Unwanted if a later email carries the valid code, or if the code is no longer needed.

    Checks for a later email again once the code is committed. A later email either was written before that, and is seen here,
    or is composed after it, and then invalidates this code. Whichever worker is faster, the last email's code is the valid one.
    """
    if kind.purpose is None or kind.token_lifetime is None:
        raise ValueError(f"the kind {kind} has no purpose or no lifetime")
    if _is_superseded(email, kind, user) or kind.is_moot(user):
        raise Unwanted
    issued = verification_codes.issue(
        user=user, purpose=kind.purpose, email=email, token_lifetime=kind.token_lifetime()
    )
    if _is_superseded(email, kind, user):
        verification_codes.invalidate_of_email(email)
        raise Unwanted
    return issued


def _is_superseded(email: OutboxEmail, kind: EmailKind, user: User) -> bool:
    """Return whether a later email carries the code. Password resets and invitations supersede each other."""
    rivals = Q(kind=email.kind, user=email.user, recipient=email.recipient)
    if kind.purpose is Purpose.RESET_PASSWORD:
        rivals |= Q(kind=kinds.INVITATION.name, user=user)
        rivals |= Q(kind=kinds.RESET_PASSWORD.name, recipient=user.email_key)
    later = OutboxEmail.objects.filter(rivals, created_at__gt=email.created_at)
    return later.exclude(state=EmailState.CANCELLED).exists()


def _verification_context(issued: verification_codes.IssuedCode, user: User) -> dict[str, Any]:
    return {
        "code": issued.code,
        "link": link_to("verify-email", token=issued.token, email=user.email),
        "code_minutes": whole_minutes(settings.VERIFICATION_CODE_LIFETIME),
        "link_hours": whole_minutes(settings.VERIFICATION_LINK_LIFETIME) // 60,
    }


def _reset_context(issued: verification_codes.IssuedCode) -> dict[str, Any]:
    """Return the context of a reset, whose lifetime is given in minutes, and of an invitation, in days."""
    return {
        "link": link_to("reset-password", token=issued.token),
        "minutes": whole_minutes(settings.RESET_TOKEN_LIFETIME),
        "days": settings.INVITATION_LIFETIME.days,
    }


def _change_code_context(email: OutboxEmail) -> dict[str, Any]:
    code = verification_codes.issue_change_code(uuid.UUID(email.context["change_id"]))
    if code is None:
        raise Unwanted
    return {"code": code, "code_minutes": whole_minutes(settings.VERIFICATION_CODE_LIFETIME)}


def _undo_context(email: OutboxEmail) -> dict[str, Any]:
    token = verification_codes.issue_undo_token(uuid.UUID(email.context["change_id"]))
    if token is None:
        raise Unwanted
    return {
        "link": link_to("undo-email-change", token=token),
        "hours": whole_minutes(settings.UNDO_EMAIL_CHANGE_LIFETIME) // 60,
    }


def link_to(path: str, **query: str | None) -> str:
    return f"{settings.FRONTEND_URL}/{path}?{urlencode(query)}"


def whole_minutes(lifetime: timedelta) -> int:
    return int(lifetime.total_seconds() // 60)


def _domain() -> str:
    """Return the sender's domain, for the Message-ID."""
    return str(settings.DEFAULT_FROM_EMAIL).rstrip("> ").rpartition("@")[2] or "localhost"
