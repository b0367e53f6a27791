"""The audit trail: one row for each security event, written in the event's own transaction and never changed."""

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.ids import new_id
from core.registry import Registry


class AuditKind(models.TextChoices):
    """The kinds of accounts itself. A capability has an enumeration of its own, and registers it likewise."""

    REGISTERED = "registered", _("signed up")
    REGISTRATION_REPEATED = "registration_repeated", _("signed up with an existing email")
    EMAIL_VERIFIED = "email_verified", _("email verified")
    LOGIN = "login", _("signed in")
    LOGIN_FAILED = "login_failed", _("sign-in failed")
    LOGOUT = "logout", _("signed out")
    LOGOUT_ALL = "logout_all", _("signed out everywhere")
    SESSION_REVOKED = "session_revoked", _("session revoked")
    REFRESH_TOKEN_REUSED = "refresh_token_reused", _("refresh token reused")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    PASSWORD_RESET = "password_reset", _("password reset")
    EMAIL_CHANGE_REQUESTED = "email_change_requested", _("email change requested")
    EMAIL_CHANGED = "email_changed", _("email changed")
    EMAIL_CHANGE_UNDONE = "email_change_undone", _("email change undone")
    PROFILE_CHANGED = "profile_changed", _("profile changed")
    MFA_FAILED = "mfa_failed", _("second factor failed")
    REAUTHENTICATED = "reauthenticated", _("identity confirmed")
    REAUTHENTICATION_FAILED = "reauthentication_failed", _("confirmation of identity failed")
    ACCOUNT_DELETED = "account_deleted", _("account deleted")
    USER_CREATED = "user_created", _("user created")
    USER_INVITED = "user_invited", _("invitation sent again")
    USER_CHANGED = "user_changed", _("user changed")
    ROLE_CHANGED = "role_changed", _("role changed")
    USER_DEACTIVATED = "user_deactivated", _("user deactivated")
    USER_REACTIVATED = "user_reactivated", _("user reactivated")
    SESSIONS_REVOKED = "sessions_revoked", _("all sessions revoked")
    DATA_EXPORTED = "data_exported", _("data exported")
    VERIFICATION_SENT = "verification_sent", _("verification sent again")
    RESET_SENT = "reset_sent", _("password reset sent")
    EMAIL_SENT_AGAIN = "email_sent_again", _("failed email sent again")
    SERVICE_CLIENT_CHANGED = "service_client_changed", _("service client changed")
    GROUP_CHANGED = "group_changed", _("group changed")


@dataclass(frozen=True, slots=True)
class RegisteredAuditKind:
    """A kind that events may have. `name` is the value in the row, `label` the text in the admin."""

    name: str
    label: str | Promise


AUDIT_KINDS: Registry[RegisteredAuditKind] = Registry("audit kind")


def register_audit_kinds(kinds: type[models.TextChoices]) -> None:
    """Add the members of an enumeration to the kinds that the admin and the API's documentation list."""
    AUDIT_KINDS.register(*(RegisteredAuditKind(name, label) for name, label in kinds.choices))


register_audit_kinds(AuditKind)


class AuditEvent(models.Model):
    """`user_id` is the user concerned and `actor_id` the user who acted: plain ids, because the audit outlives both accounts.

    Either is empty where it is unknown: a failed sign-in to no account, a command. `facts` holds short plain values, never
    a secret, and never text from a field into which a user may have typed a password.

    `kind` has no choices in the database: a new kind needs no migration.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=32)
    user_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True)
    session_id = models.UUIDField(null=True)
    ip = models.GenericIPAddressField(null=True, unpack_ipv4=True)
    device = models.CharField(max_length=160, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = (
            models.Index(fields=["user_id", "created_at"], name="audit_of_user"),
            models.Index(fields=["created_at"], name="audit_created"),
            models.Index(fields=["kind", "created_at"], name="audit_kind"),
            models.Index(fields=["request_id"], name="audit_request"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def kind_label(self) -> str:
        """The kind's label, or its name if the capability that registered it is no longer installed."""
        kind = AUDIT_KINDS.get(self.kind)
        return str(kind.label) if kind else self.kind
