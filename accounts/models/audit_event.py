"""The audit: a row for each security event, written in the transaction of what it speaks of, never changed."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class AuditKind(models.TextChoices):
    REGISTERED = "registered", _("registered")
    REGISTRATION_REPEATED = "registration_repeated", _("registered again by somebody")
    EMAIL_VERIFIED = "email_verified", _("email verified")
    LOGIN = "login", _("signed in")
    LOGIN_FAILED = "login_failed", _("sign-in failed")
    LOGOUT = "logout", _("signed out")
    LOGOUT_ALL = "logout_all", _("signed out everywhere")
    SESSION_REVOKED = "session_revoked", _("session ended")
    REFRESH_TOKEN_REUSED = "refresh_token_reused", _("refresh token used twice")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    PASSWORD_RESET = "password_reset", _("password reset")
    EMAIL_CHANGE_REQUESTED = "email_change_requested", _("change of address asked for")
    EMAIL_CHANGED = "email_changed", _("address changed")
    EMAIL_CHANGE_UNDONE = "email_change_undone", _("change of address undone")
    PROFILE_CHANGED = "profile_changed", _("profile changed")
    MFA_ENABLED = "mfa_enabled", _("second factor added")
    MFA_DISABLED = "mfa_disabled", _("second factor removed")
    MFA_FAILED = "mfa_failed", _("second factor failed")
    RECOVERY_CODE_USED = "recovery_code_used", _("recovery code used")
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed", _("recovery codes renewed")
    ACCOUNT_DELETED = "account_deleted", _("account deleted")
    USER_CREATED = "user_created", _("user created")
    USER_INVITED = "user_invited", _("user invited again")
    USER_CHANGED = "user_changed", _("user changed")
    ROLE_CHANGED = "role_changed", _("role changed")
    USER_DEACTIVATED = "user_deactivated", _("user deactivated")
    USER_REACTIVATED = "user_reactivated", _("user reactivated")
    SESSIONS_REVOKED = "sessions_revoked", _("all sessions ended")
    DATA_EXPORTED = "data_exported", _("data exported")
    VERIFICATION_SENT = "verification_sent", _("verification sent again")
    RESET_SENT = "reset_sent", _("password reset sent")
    EMAIL_SENT_AGAIN = "email_sent_again", _("failed email sent again")
    SERVICE_CLIENT_CHANGED = "service_client_changed", _("service client changed")
    GROUP_CHANGED = "group_changed", _("group changed")


class AuditEvent(models.Model):
    """`user_id` is whom it concerns and `actor_id` who did it: plain ids, since the audit outlives both accounts.

    Either is empty where nobody is known: a failed sign-in to no account, a command. `facts` holds short plain values,
    never a secret, never what somebody typed into a field that might have been a password.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=32, choices=AuditKind)
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
