"""The emails with a code: to sign in, and to confirm the identity of a signed-in user. The worker issues the code."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.identity import email_key_or_none
from accounts.identity_validators import MAX_EMAIL_LENGTH
from accounts.mail import outbox_queue
from accounts.mail.compose import Unwanted, link_to, whole_minutes
from accounts.mail.kinds import EmailKind, Recipient
from accounts.mail.outbox import event_context
from accounts.models import OutboxEmail, Purpose, User
from accounts.verification import verification_codes
from core.ids import new_id
from sessions_tracking.client_info import ClientInfo


def login_code(*, email: str, language: str, client: ClientInfo) -> uuid.UUID:
    """Queue the code for any email, and return the row's id. Text that cannot be an email gets an id without a row.

    The worker looks up the account, so that no response time reveals whether there is one (ASVS 6.3.8).
    """
    key = email_key_or_none(email)
    if key is None or len(key) > MAX_EMAIL_LENGTH:
        return new_id()
    context = _request_context(client)
    return outbox_queue.write(kind=LOGIN_CODE, recipient=key, language=language, context=context).id


def reauthentication_code(user: User, *, session_id: uuid.UUID, client: ClientInfo) -> None:
    """Queue a code that is valid in this session only."""
    outbox_queue.enqueue(REAUTHENTICATION_CODE, user, _request_context(client) | {"session_id": str(session_id)})


def _request_context(client: ClientInfo) -> dict[str, str]:
    return event_context(client) | {"location": client.location}


def _issue_login_code(email: OutboxEmail, user: User) -> Mapping[str, Any]:
    """Codes of several requests are valid side by side: each works with its own `loginToken` only."""
    if not settings.LOGIN_CODES or not user.login_codes:
        raise Unwanted
    OutboxEmail.objects.filter(id=email.id).update(user=user)  # for the export, and for the deletion of the account
    lifetime = settings.LOGIN_CODE_LIFETIME
    issued = verification_codes.issue(
        user=user,
        purpose=Purpose.LOGIN,
        email=email,
        code_lifetime=lifetime,
        token_lifetime=lifetime,
        supersedes=False,
    )
    link = link_to("login-code", token=issued.token)
    return {"code": issued.code, "link": link, "minutes": whole_minutes(lifetime)}


def _issue_reauthentication_code(email: OutboxEmail, user: User) -> Mapping[str, Any]:
    lifetime = settings.LOGIN_CODE_LIFETIME
    issued = verification_codes.issue(
        user=user,
        purpose=Purpose.REAUTHENTICATE,
        email=email,
        code_lifetime=lifetime,
        token_lifetime=lifetime,
        session_id=email.context["session_id"],
    )
    return {"code": issued.code, "minutes": whole_minutes(lifetime)}


LOGIN_CODE = EmailKind(
    name="login_code", label=_("sign-in code"), recipient=Recipient.OWNER_OF_ROW_EMAIL, context=_issue_login_code
)
REAUTHENTICATION_CODE = EmailKind(
    name="reauthentication_code", label=_("code to confirm an identity"), context=_issue_reauthentication_code
)
