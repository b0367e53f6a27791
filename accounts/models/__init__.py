"""The rows of the accounts app."""

from accounts.models.attempt_counter import AttemptCounter
from accounts.models.audit_event import AuditEvent, AuditKind
from accounts.models.email_change import EmailChange
from accounts.models.metric_snapshot import MetricSnapshot
from accounts.models.outbox_email import EmailState, OutboxEmail
from accounts.models.pending_login import LoginSurface, PendingLogin
from accounts.models.service_client import ServiceClient
from accounts.models.user import Role, User
from accounts.models.verification_code import Purpose, VerificationCode

__all__ = [
    "AttemptCounter",
    "AuditEvent",
    "AuditKind",
    "EmailChange",
    "EmailState",
    "LoginSurface",
    "MetricSnapshot",
    "OutboxEmail",
    "PendingLogin",
    "Purpose",
    "Role",
    "ServiceClient",
    "User",
    "VerificationCode",
]
