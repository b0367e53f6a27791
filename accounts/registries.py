"""The registries by which a capability plugs into accounts: `AppConfig.ready` of the capability registers its entries.

docs/decisions/0013-capabilities.md lists the registries of other modules: audit kinds, email kinds, cleanup rules, admin actions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.serializers import Field, Serializer

from accounts.models import User
from core.registry import Registry
from sessions_tracking.client_info import ClientInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInMethod:
    """A first factor. `amr` is its value in the authentication context (RFC 8176)."""

    name: str
    amr: str
    is_available_for: Callable[[User], bool]
    is_removable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """A way to complete a login after the password. `name` is its entry in the `methods` of the login response.

    `field` is the field of `POST /mfa/verify` that carries the user's response, of the type `field_class`; `sample` and
    `sample_title` document it. `parse` normalizes a response that was typed into the admin's form, or returns None for
    text that cannot be one.

    `verify` gets the user, the response and the client, within a transaction that holds the user's row. It uses the
    response up and returns whether it was right; it counts a wrong one, and raises TooManyWrongCodes past the limit.
    """

    name: str
    amr: str
    field: str
    field_class: type[Field[Any, Any, Any, Any]]
    sample: Any
    sample_title: str
    parse: Callable[[str], str | None]
    is_enabled_for: Callable[[User], bool]
    verify: Callable[[User, Any, ClientInfo], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSection:
    """A key of the data export. `read` returns the user's data under it, of the shape that `shape` documents by `sample`."""

    name: str
    read: Callable[[User], Mapping[str, Any]]
    shape: type[Serializer[Any]]
    sample: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimEffect:
    """What a claim removes from an account: see `accounts.services.account_claim`.

    `relations` names the reverse relations of User whose rows the effect covers. A test compares them with the models.
    """

    name: str
    remove: Callable[[User], None]
    relations: frozenset[str] = frozenset()


SIGN_IN_METHODS: Registry[SignInMethod] = Registry("sign-in method")
SECOND_FACTORS: Registry[SecondFactor] = Registry("second factor")
EXPORT_SECTIONS: Registry[ExportSection] = Registry("export section")
CLAIM_EFFECTS: Registry[ClaimEffect] = Registry("claim effect")
