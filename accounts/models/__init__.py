"""The rows of the accounts app."""

from accounts.models.code_tries import CodeTries
from accounts.models.one_time_secret import OneTimeSecret, Purpose
from accounts.models.outbox_email import EmailKind, EmailState, OutboxEmail
from accounts.models.user import Role, User

__all__ = ["CodeTries", "EmailKind", "EmailState", "OneTimeSecret", "OutboxEmail", "Purpose", "Role", "User"]
