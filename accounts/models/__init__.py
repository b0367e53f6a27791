"""The rows of the accounts app."""

from accounts.models.audit_event import AuditEvent, AuditKind
from accounts.models.code_tries import CodeTries
from accounts.models.email_change import EmailChange
from accounts.models.one_time_secret import OneTimeSecret, Purpose
from accounts.models.outbox_email import EmailKind, EmailState, OutboxEmail
from accounts.models.reading import Reading
from accounts.models.second_factor import Door, MfaChallenge, RecoveryCode, TotpFactor
from accounts.models.service_client import ServiceClient
from accounts.models.user import Role, User

__all__ = [
    "AuditEvent",
    "AuditKind",
    "CodeTries",
    "Door",
    "EmailChange",
    "EmailKind",
    "EmailState",
    "MfaChallenge",
    "OneTimeSecret",
    "OutboxEmail",
    "Purpose",
    "Reading",
    "RecoveryCode",
    "Role",
    "ServiceClient",
    "TotpFactor",
    "User",
]
