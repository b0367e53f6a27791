"""Makes the message of an outbox row, with the code or link that it carries: secrets come into being here, at sending."""

import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q

from accounts.identity import delivery_form
from accounts.mail.rendering import render
from accounts.models import EmailKind, EmailState, OutboxEmail, Purpose, User
from accounts.verification import verification_codes

# No out-of-office replies: RFC 3834 §5, and Exchange and Outlook by their own header.
_AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


class NoRecipient(Exception):
    """Nobody is there (any more) to whom this email could mean anything."""


def compose(email: OutboxEmail) -> EmailMultiAlternatives:
    """The message, ready to send; the Message-ID is the row's, so that a second copy is known for one."""
    user = _recipient(email)
    rendered = render(
        kind=email.kind, language=user.language if user else email.language, context=_context(email, user)
    )
    message = EmailMultiAlternatives(
        subject=rendered.subject, body=rendered.text, to=[delivery_form(_address(email, user))],
        headers={"Message-ID": f"<{email.id}@{_domain()}>", **_AUTOMATIC},
    )  # fmt: skip
    message.attach_alternative(rendered.html, "text/html")
    return message


def _address(email: OutboxEmail, user: User | None) -> str:
    """The user's own of now, but for what concerns an address that is not theirs yet or no longer."""
    if user is None or not user.email or email.kind in _TO_ANOTHER_ADDRESS:
        return email.address
    return user.email


def _recipient(email: OutboxEmail) -> User | None:
    """A reset finds its user only now, by the address that somebody typed. Only the news of a deletion needs no user."""
    user = User.objects.with_email(email.address) if email.kind == EmailKind.RESET_PASSWORD else email.user
    if email.kind == EmailKind.ACCOUNT_DELETED:
        return None
    if user is None or not user.is_active:
        raise NoRecipient
    return user


def _context(email: OutboxEmail, user: User | None) -> dict[str, Any]:
    context: dict[str, Any] = dict(email.context) | {
        "product_name": settings.PRODUCT_NAME,
        "public_url": settings.FRONTEND_URL,
        "reset_url": f"{settings.PUBLIC_URL}/reset-password",
    }
    if "happened_at" in context:
        context["happened_at"] = datetime.fromisoformat(context["happened_at"])
    if user is not None:
        context |= {"first_name": user.first_name, "username": user.username}
    if user is not None and email.kind in _SECRETS:
        context |= _secret_context(email, user, _SECRETS[EmailKind(email.kind)])
    if "change_id" in context:
        context |= _change_context(email)
    return context


_SECRETS = {
    EmailKind.VERIFY_EMAIL: Purpose.VERIFY_EMAIL,
    EmailKind.RESET_PASSWORD: Purpose.RESET_PASSWORD,
    EmailKind.INVITATION: Purpose.RESET_PASSWORD,
}
_TO_ANOTHER_ADDRESS = {
    EmailKind.EMAIL_CHANGE_CODE,
    EmailKind.EMAIL_CHANGE_REQUESTED,
    EmailKind.EMAIL_CHANGED,
    EmailKind.EMAIL_CHANGED_BY_ADMIN,
}


def _secret_context(email: OutboxEmail, user: User, purpose: Purpose) -> dict[str, Any]:
    if _is_overtaken(email, user) or _is_pointless(email, user):
        raise NoRecipient
    issued = verification_codes.issue(user=user, purpose=purpose, email=email)
    # Asked again, now that the secret is committed: a later email either was written before that, and is seen here, or is
    # composed after it, and then ends this secret. Whichever worker is faster, the code of the last email is the valid one.
    if _is_overtaken(email, user):
        verification_codes.invalidate_of_email(email)
        raise NoRecipient
    if purpose == Purpose.RESET_PASSWORD:
        link = f"{settings.FRONTEND_URL}/reset-password?{urlencode({'token': issued.token})}"
        days = settings.INVITATION_LIFETIME.days
        return {"link": link, "minutes": _minutes(settings.RESET_TOKEN_LIFETIME), "days": days}
    link = f"{settings.FRONTEND_URL}/verify-email?{urlencode({'token': issued.token, 'email': user.email})}"
    return {
        "code": issued.code,
        "link": link,
        "code_minutes": _minutes(settings.VERIFICATION_CODE_LIFETIME),
        "link_hours": _minutes(settings.VERIFICATION_LINK_LIFETIME) // 60,
    }


def _change_context(email: OutboxEmail) -> dict[str, Any]:
    """The code for the new address; for the old one, the link that stops or undoes the change."""
    change_id = uuid.UUID(email.context["change_id"])
    if email.kind == EmailKind.EMAIL_CHANGE_CODE:
        code = verification_codes.issue_change_code(change_id)
        carried = {"code": code, "code_minutes": _minutes(settings.VERIFICATION_CODE_LIFETIME)} if code else None
    else:
        token = verification_codes.issue_undo_token(change_id)
        link = f"{settings.FRONTEND_URL}/undo-email-change?{urlencode({'token': token})}"
        carried = {"link": link, "hours": _minutes(settings.UNDO_EMAIL_CHANGE_LIFETIME) // 60} if token else None
    if carried is None:
        raise NoRecipient
    return carried


def _is_pointless(email: OutboxEmail, user: User) -> bool:
    """What the email is for has happened already."""
    if email.kind == EmailKind.INVITATION:
        return user.has_usable_password()
    return email.kind == EmailKind.VERIFY_EMAIL and user.email_verified


def _is_overtaken(email: OutboxEmail, user: User) -> bool:
    """A late retry must not kill the secret of the email that was asked for after it; reset and invitation share theirs."""
    rivals = Q(kind=email.kind, user=email.user, address=email.address)
    if _SECRETS[EmailKind(email.kind)] == Purpose.RESET_PASSWORD:
        rivals |= Q(kind=EmailKind.INVITATION, user=user) | Q(kind=EmailKind.RESET_PASSWORD, address=user.email_key)
    later = OutboxEmail.objects.filter(rivals, created_at__gt=email.created_at)
    return later.exclude(state=EmailState.CANCELLED).exists()


def _minutes(lifetime: timedelta) -> int:
    return int(lifetime.total_seconds() // 60)


def _domain() -> str:
    """The sender's domain, for the Message-ID."""
    return str(settings.DEFAULT_FROM_EMAIL).rstrip("> ").rpartition("@")[2] or "localhost"
