"""The session: one sign-in on one device, and the token family of all its refresh tokens."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.ids import new_id
from sessions_tracking.authentication_context import AssuranceLevel, AuthenticationContext, current_second


class RevokedReason(models.TextChoices):
    LOGOUT = "logout", _("signed out")
    LOGOUT_ALL = "logout_all", _("signed out everywhere")
    SESSION_DELETED = "session_deleted", _("revoked from the list of sessions")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    PASSWORD_RESET = "password_reset", _("password reset")
    REFRESH_REUSED = "refresh_reused", _("refresh token reused")
    EMAIL_CHANGE_UNDONE = "email_change_undone", _("email change undone")
    TAKEN_OVER = "taken_over", _("account taken over by the owner of its email")
    TOO_MANY_SESSIONS = "too_many_sessions", _("session limit reached")
    ACCOUNT_DEACTIVATED = "account_deactivated", _("account deactivated")
    ACCOUNT_DELETED = "account_deleted", _("account deleted")
    ADMIN = "admin", _("revoked by an administrator")
    SERVICE = "service", _("revoked by a service")


class SessionQuerySet(models.QuerySet["Session"]):
    def active(self, now: "datetime | models.Expression") -> "SessionQuerySet":
        return self.filter(revoked_at=None, expires_at__gt=now)


class Session(models.Model):
    """One row per token family, whatever the number of refreshes. `id` is the claim `sid`.

    `refresh_jti` is the one current refresh token, `refresh_issued_at` and `expires_at` are its `iat` and `exp`: the same
    three values mint the same bytes again. `expires_at` slides with each refresh, `absolute_expires_at` never changes.

    `amr` has the values of the claim, separated by blanks. It, `acr` and `authenticated_at` change by a step-up only, never by
    a refresh. The defaults in the database serve processes of the former version while an upgrade runs.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions")
    name = models.CharField(max_length=100, blank=True)
    data = models.JSONField(default=dict, blank=True)
    amr = models.CharField(max_length=64, default="pwd", db_default="pwd")
    acr = models.CharField(max_length=4, default=AssuranceLevel.AAL1, db_default=AssuranceLevel.AAL1)
    authenticated_at = models.DateTimeField(default=current_second, db_default=Now())
    persistent = models.BooleanField(default=True, db_default=True)

    ip = models.GenericIPAddressField(null=True, unpack_ipv4=True)
    user_agent = models.CharField(max_length=512, blank=True)
    device = models.CharField(max_length=16)
    browser = models.CharField(max_length=64)
    os = models.CharField(max_length=64)
    platform = models.CharField(max_length=80)
    location = models.CharField(max_length=128)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    absolute_expires_at = models.DateTimeField()

    refresh_jti = models.UUIDField(default=new_id)
    refresh_issued_at = models.DateTimeField()
    previous_refresh_jti = models.UUIDField(null=True)
    rotated_at = models.DateTimeField(null=True)

    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=32, choices=RevokedReason, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = (
            models.Index(fields=["user", "last_seen_at"], name="session_of_user"),
            models.Index(fields=["expires_at"], name="session_expiry"),
            models.Index(fields=["revoked_at"], name="session_revoked", condition=models.Q(revoked_at__isnull=False)),
        )

    def __str__(self) -> str:
        return str(self.id)

    @property
    def amr_values(self) -> list[str]:
        return self.amr.split()

    @property
    def context(self) -> AuthenticationContext:
        return AuthenticationContext.from_columns(self.amr, self.acr, self.authenticated_at)

    def is_active(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > now
