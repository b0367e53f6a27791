"""The registries by which a capability plugs into accounts: `AppConfig.ready` of the capability registers its entries.

docs/decisions/0013-capabilities.md lists the registries of other modules: audit kinds, email kinds, cleanup rules, admin actions.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from rest_framework.serializers import BaseSerializer, Field

from accounts.models import User
from core.api.exceptions import ApiError
from core.registry import Registry
from sessions_tracking.client_info import ClientInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInMethod:
    """A first factor. `amr` is its value in the authentication context (RFC 8176), `label` its name in the admin."""

    name: str
    amr: str
    is_available_for: Callable[[User], bool]
    is_removable: bool = True
    label: str | Promise = ""


class Ceremony(StrEnum):
    """What a factor is verified for."""

    SIGN_IN = "sign_in"
    STEP_UP = "step_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorAttempt:
    """A user's response to one factor.

    `user` is locked by the caller's transaction. `binding` is the id of the pending login, or of the session that steps up.
    `proven_amr` is what the pending login or the session has proven before.
    """

    user: User
    value: Any
    client: ClientInfo
    ceremony: Ceremony
    binding: uuid.UUID
    proven_amr: tuple[str, ...]


# The values of `amr` that a correct response proves; or the error to raise, once the count of wrong responses is committed.
FactorResult = tuple[str, ...] | ApiError


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestField:
    """A field of request bodies that an entry adds: called `field`, of the type `field_class`, documented by the sample."""

    name: str
    field: str
    field_class: type[Field[Any, Any, Any, Any]]
    sample: Any
    sample_title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorPrompt:
    """How the admin gets the response to a factor that is not typed.

    `template` is included in the form; its script writes the response into the field for codes, as text that `parse` reads.
    `get_options` returns the template's `options`, as JSON values. It takes the attempt to come, without its value.
    """

    template: str
    get_options: Callable[[FactorAttempt], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor(RequestField):
    """A way to complete a login after the first factor. `name` is its entry in the `methods` of the login response, `label`
    its name in the admin.

    Its field of `POST /mfa/verify` and `POST /reauthenticate` carries the user's response. `parse` normalizes a response that
    was typed into the admin's form, or written there by the script of `prompt`; it returns None for text that cannot be one.
    `errors` are those that `verify` returns at a sign-in, beside CodeInvalid, and `step_up_errors` those at a step-up.

    `rows` takes a user's id, or an expression for it; the factor is enabled if the queryset is not empty. A user who has
    only a factor with `is_backup` has no second factor: recovery codes stand in for another one.

    `verify` runs within a transaction that holds the user's row. It uses the response up, or counts a wrong one; it raises
    TooManyWrongCodes past the limit.
    """

    parse: Callable[[str], Any]
    rows: Callable[[Any], QuerySet[Any]]
    verify: Callable[[FactorAttempt], FactorResult]
    is_backup: bool = False
    prompt: FactorPrompt | None = None
    label: str | Promise = ""
    errors: tuple[type[ApiError], ...] = ()
    step_up_errors: tuple[type[ApiError], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorObserver:
    """Called when a user's first second factor was added, and when the last one was removed, under the user's lock.

    `first_added` returns recovery codes, to show once.
    """

    name: str
    first_added: Callable[[uuid.UUID], Sequence[str]]
    last_removed: Callable[[uuid.UUID], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReauthenticationMethod(RequestField):
    """A step-up for users without a second factor: the password, or an emailed code.

    `is_available_for` takes the user; `verify` is as in SecondFactor. `prepare` takes the user and the
    response before the user's row is locked, for work that takes long, and returns what `verify` gets as the attempt's value.
    """

    is_available_for: Callable[[User], bool]
    verify: Callable[[FactorAttempt], FactorResult]
    prepare: Callable[[User, Any], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpMethod(RequestField):
    """A credential that `POST /register` accepts instead of a password. `errors` are those that the method raises.

    `prepare` verifies the value before a transaction begins, and raises ApiError. `store` saves the credential for the new
    user, within the transaction that inserted the user; it raises ApiError if the credential was used meanwhile.
    """

    prepare: Callable[[Any], Any]
    store: Callable[[User, Any], None]
    errors: tuple[type[ApiError], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSection:
    """A key of the data export. `read` returns the user's data under it, of the shape that `shape` documents by `sample`.

    `shape` makes the serializer, with `many=True` for a list.
    """

    name: str
    read: Callable[[User], Mapping[str, Any] | Sequence[Mapping[str, Any]]]
    shape: Callable[[], BaseSerializer[Any]]
    sample: Mapping[str, Any] | Sequence[Mapping[str, Any]]


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
FACTOR_OBSERVERS: Registry[FactorObserver] = Registry("factor observer")
REAUTHENTICATION_METHODS: Registry[ReauthenticationMethod] = Registry("reauthentication method")
SIGN_UP_METHODS: Registry[SignUpMethod] = Registry("sign-up method")
EXPORT_SECTIONS: Registry[ExportSection] = Registry("export section")
CLAIM_EFFECTS: Registry[ClaimEffect] = Registry("claim effect")
