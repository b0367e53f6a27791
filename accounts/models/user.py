"""The user: an identity with a password, a role and a language."""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.identity import email_key, email_key_or_none, username_key
from accounts.passwords import hashing
from core.db.prefix_index import PrefixIndex
from core.ids import new_id

MAX_REASON_LENGTH = 500
_NOT_SAVED = {"claim", "login_codes", "mfa_enabled", "recovery_codes_left", "known_devices", "signed_out_at"}


class Role(models.TextChoices):
    USER = "USER", _("user")
    ADMIN = "ADMIN", _("administrator")


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, username: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> "User":
        user = self.model(username=username, email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> "User":
        rights = {"role": Role.ADMIN, "is_staff": True, "is_superuser": True, "email_verified_at": timezone.now()}
        return self.create_user(username, email, password, **(rights | fields))

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username_key=username_key(username or ""))

    def with_email(self, email: str) -> "User | None":
        key = email_key_or_none(email)
        return self.filter(email_key=key).first() if key else None

    def end_admin_sessions(self, *, user_id: uuid.UUID) -> None:
        """Sign a user out of the admin; see `User.signed_out_at`.

        Call it before the user's sessions are locked: all code that locks both takes the user first.
        """
        self.filter(id=user_id).update(signed_out_at=timezone.now())


class User(AbstractBaseUser, PermissionsMixin):
    """`email` and `username` are as typed; `email_key` and `username_key` are their unique keys, used for look-ups.

    `known_devices` holds fingerprints, the latest last; see `accounts.known_devices`.
    `mfa_enabled` is set if there is a confirmed second factor, and changes in the same transaction.
    `is_placeholder` marks a registration with PREVENT_ENUMERATION for an email that another account has: it has no email,
    cannot sign in, and reserves its username as long as any registration that is never verified.
    `claim` identifies the email of a registration with PREVENT_ENUMERATION; see `accounts.services.registration_claims`.
    `signed_out_at` is when all sessions were last ended at once: sessions of the admin end with it, as with a new password.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(_("email"), max_length=254, null=True, blank=True)
    email_key = models.CharField(max_length=320, null=True, unique=True, editable=False)
    username = models.CharField(_("username"), max_length=30)
    username_key = models.CharField(max_length=30, unique=True, editable=False)
    first_name = models.CharField(_("first name"), max_length=150, blank=True)
    last_name = models.CharField(_("last name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=8, default="en")
    role = models.CharField(_("role"), max_length=16, choices=Role, default=Role.USER)
    email_verified_at = models.DateTimeField(_("email verified at"), null=True, blank=True)
    known_devices = models.JSONField(default=list, editable=False)
    mfa_enabled = models.BooleanField(_("second factor"), default=False, editable=False)
    # Null until recovery codes are issued: after a sign-up with a passkey, the first sign-in issues them.
    recovery_codes_left = models.PositiveSmallIntegerField(null=True, editable=False)
    login_codes = models.BooleanField(_("sign-in by emailed code"), default=True, db_default=True)
    is_active = models.BooleanField(_("active"), default=True)
    deactivated_at = models.DateTimeField(_("deactivated at"), null=True, blank=True, editable=False)
    signed_out_at = models.DateTimeField(null=True, editable=False)
    deactivation_reason = models.CharField(_("reason for deactivation"), max_length=MAX_REASON_LENGTH, blank=True)
    is_placeholder = models.BooleanField(default=False, db_default=False, editable=False)
    claim = models.CharField(max_length=64, null=True, editable=False)
    is_staff = models.BooleanField(_("may use the admin"), default=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = UserManager()
    kind = "user"  # the only one so far
    _has_password: bool
    is_just_created = False  # set by the last `save`

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        indexes = (
            models.Index(
                fields=["created_at"], name="user_unverified", condition=models.Q(email_verified_at__isnull=True)
            ),
            # For the admin's filters that match few users. Ids grow with time, so their order puts the newest first.
            models.Index(fields=["id"], name="user_admins", condition=models.Q(role="ADMIN")),
            models.Index(fields=["id"], name="user_staff", condition=models.Q(is_staff=True)),
            models.Index(fields=["id"], name="user_inactive", condition=models.Q(is_active=False)),
            models.Index(fields=["claim"], name="user_claim", condition=models.Q(claim__isnull=False)),
            PrefixIndex("first_name", name="user_first_name"),
            PrefixIndex("last_name", name="user_last_name"),
        )

    def save(
        self,
        force_insert: bool | tuple[Any, ...] = False,  # noqa: FBT001, FBT002 - Django's signature
        force_update: bool = False,  # noqa: FBT001, FBT002
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        self.is_just_created = self._state.adding
        self.email = self.email or None
        self.email_key = email_key(self.email) if self.email else None
        self.username_key = username_key(self.username)
        if update_fields is None and not self._state.adding and not force_insert:
            update_fields = self._fields_to_save()
        super().save(force_insert=force_insert, force_update=force_update, using=using, update_fields=update_fields)

    def _fields_to_save(self) -> set[str]:
        """Exclude the columns that only services write, so that saving a stale row cannot revert them.

        `changepassword` holds a row while the operator types.
        """
        columns = {field.name for field in self._meta.concrete_fields if not field.primary_key}
        return columns - self.get_deferred_fields() - _NOT_SAVED

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(None if raw_password is None else hashing.normalize(raw_password))
        if raw_password is None:
            self._note_password_change()

    def check_password(self, raw_password: str | None) -> bool:
        return raw_password is not None and hashing.verify(raw_password, self.password)[0]

    def set_unusable_password(self) -> None:
        super().set_unusable_password()
        self._note_password_change()

    def _note_password_change(self) -> None:
        """Make `save` call the password validators, which end the sessions, for a removed password as well."""
        self._password = ""

    def get_session_auth_hash(self) -> str:
        """Return the hash that a session of the admin stores, and that each of its requests compares."""
        return self._with_sign_out(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        yield from map(self._with_sign_out, super().get_session_auth_fallback_hash())

    def _with_sign_out(self, auth_hash: str) -> str:
        return f"{auth_hash} {self.signed_out_at.timestamp()}" if self.signed_out_at else auth_hash

    @property
    def email_verified(self) -> bool:
        return self.email_verified_at is not None

    @property
    def has_password(self) -> bool:
        """`has_usable_password`, without reading the hash if the statement that read the row has set the property."""
        return self.has_usable_password() if "password" in self.__dict__ else self._has_password

    @has_password.setter
    def has_password(self, value: bool) -> None:
        self._has_password = value

    @property
    def unused_recovery_codes(self) -> int:
        return self.recovery_codes_left or 0
