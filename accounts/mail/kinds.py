"""The kinds of email. A capability adds its own to EMAIL_KINDS in `AppConfig.ready`; no model or migration changes.

Each kind has a folder `templates/emails/<name>/` with subject.txt, body.txt and body.html.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import OutboxEmail, Purpose, User
from core.registry import Registry


class Recipient(Enum):
    """The user who receives an email, and the email address that it is sent to."""

    USER = auto()  # the user, at the email that the account has when the email is sent
    USER_AT_ROW_EMAIL = auto()  # the user, at the email in the row: not theirs yet, or no longer
    OWNER_OF_ROW_EMAIL = auto()  # the user who has the email in the row when it is sent, if there is one
    DELETED_USER = auto()  # the account no longer exists; the row loses the email once it is sent


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailKind:
    """`is_notice`: a notice that an account's security changed, sent at most once per NOTICE_PAUSE to each recipient.

    `purpose`: the code or link that the worker issues for it, valid for `token_lifetime`. `is_moot` returns whether the user
    has already done what the email asks for; the email is then discarded.

    `context` returns what the templates of a capability's email need beyond the row, such as the code that it issues now.
    """

    name: str
    label: str | Promise
    is_notice: bool = False
    recipient: Recipient = Recipient.USER
    purpose: Purpose | None = None
    token_lifetime: Callable[[], timedelta] | None = None
    is_moot: Callable[[User], bool] = lambda _user: False
    context: Callable[[OutboxEmail, User], Mapping[str, Any]] | None = None

    def __str__(self) -> str:
        return self.name


EMAIL_KINDS: Registry[EmailKind] = Registry("email kind")

VERIFY_EMAIL = EmailKind(
    name="verify_email",
    label=_("email verification"),
    purpose=Purpose.VERIFY_EMAIL,
    token_lifetime=lambda: settings.VERIFICATION_LINK_LIFETIME,
    is_moot=lambda user: user.email_verified,
)
WELCOME = EmailKind(name="welcome", label=_("welcome"))
RESET_PASSWORD = EmailKind(
    name="reset_password",
    label=_("password reset"),
    recipient=Recipient.OWNER_OF_ROW_EMAIL,
    purpose=Purpose.RESET_PASSWORD,
    token_lifetime=lambda: settings.RESET_TOKEN_LIFETIME,
)
INVITATION = EmailKind(
    name="invitation",
    label=_("invitation"),
    is_notice=True,
    purpose=Purpose.RESET_PASSWORD,
    token_lifetime=lambda: settings.INVITATION_LIFETIME,
    is_moot=lambda user: user.has_usable_password(),
)
PASSWORD_CHANGED = EmailKind(name="password_changed", label=_("password changed"), is_notice=True)
NEW_DEVICE = EmailKind(name="new_device", label=_("new device"), is_notice=True)
REFRESH_TOKEN_REUSED = EmailKind(name="refresh_token_reused", label=_("refresh token reused"), is_notice=True)
ACCOUNT_DELETED = EmailKind(name="account_deleted", label=_("account deleted"), recipient=Recipient.DELETED_USER)
ADDRESS_ALREADY_REGISTERED = EmailKind(
    name="address_already_registered", label=_("registration with an email in use"), is_notice=True
)
ADDRESS_ALREADY_USED = EmailKind(
    name="address_already_used", label=_("email change to an email in use"), is_notice=True
)
EMAIL_CHANGE_CODE = EmailKind(
    name="email_change_code",
    label=_("code to confirm a new email"),
    recipient=Recipient.USER_AT_ROW_EMAIL,
    purpose=Purpose.CHANGE_EMAIL,
)
EMAIL_CHANGE_REQUESTED = EmailKind(
    name="email_change_requested",
    label=_("email change requested"),
    is_notice=True,
    recipient=Recipient.USER_AT_ROW_EMAIL,
    purpose=Purpose.UNDO_EMAIL_CHANGE,
)
EMAIL_CHANGED = EmailKind(
    name="email_changed",
    label=_("email changed"),
    is_notice=True,
    recipient=Recipient.USER_AT_ROW_EMAIL,
    purpose=Purpose.UNDO_EMAIL_CHANGE,
)
EMAIL_CHANGED_BY_ADMIN = EmailKind(
    name="email_changed_by_admin",
    label=_("email changed by an administrator"),
    is_notice=True,
    recipient=Recipient.USER_AT_ROW_EMAIL,
)

EMAIL_KINDS.register(
    VERIFY_EMAIL,
    WELCOME,
    RESET_PASSWORD,
    INVITATION,
    PASSWORD_CHANGED,
    NEW_DEVICE,
    REFRESH_TOKEN_REUSED,
    ACCOUNT_DELETED,
    ADDRESS_ALREADY_REGISTERED,
    ADDRESS_ALREADY_USED,
    EMAIL_CHANGE_CODE,
    EMAIL_CHANGE_REQUESTED,
    EMAIL_CHANGED,
    EMAIL_CHANGED_BY_ADMIN,
)


def is_notice(name: str) -> bool:
    kind = EMAIL_KINDS.get(name)
    return kind is not None and kind.is_notice


def label(name: str) -> str:
    """Return the label of a kind for people, or the name of one that is no longer registered."""
    kind = EMAIL_KINDS.get(name)
    return str(kind.label) if kind is not None else name
