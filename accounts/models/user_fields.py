"""The lists of a user's fields. A new profile field is named once, in PROFILE_FIELDS, which all services use."""

from collections.abc import Mapping
from typing import Any

from accounts.identity import email_key, username_key

# Owners change these themselves, without a password.
PROFILE_FIELDS = ("first_name", "last_name", "username", "language")
# Owners change these with a recent proof.
GUARDED_PROFILE_FIELDS = ("login_codes",)
# Administrators change these through the API, and those of the admin's form through the admin.
ADMIN_FIELDS = ("email", *PROFILE_FIELDS, "role", "is_active")
ADMIN_FORM_FIELDS = (*ADMIN_FIELDS, "is_staff", "is_superuser")
# The audit names these when they change, never their values. Role and activity have kinds of events of their own.
AUDITED_FIELDS = ("email", "password", *PROFILE_FIELDS, "is_staff", "is_superuser")
# The columns of the owner's responses. The password hash is not among them, so it is not read to be thrown away.
OWNER_VISIBLE_FIELDS = frozenset(
    {
        "id",
        "email",
        *PROFILE_FIELDS,
        "role",
        "email_verified_at",
        "mfa_enabled",
        "login_codes",
        "recovery_codes_left",
        "created_at",
        "updated_at",
        "last_login",
    }
)


def api_name(field: str) -> str:
    """Return the name of a field in the API: `first_name` is `firstName`."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def identity_keys(values: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the unique keys of the email and the username in `values`."""
    keys: dict[str, str | None] = {}
    if "email" in values:
        keys["email_key"] = email_key(values["email"]) if values["email"] else None
    if "username" in values:
        keys["username_key"] = username_key(values["username"])
    return keys
