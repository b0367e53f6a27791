"""The entries of this capability in the registries of accounts."""

from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.mail.kinds import EMAIL_KINDS
from accounts.models import User
from accounts.models.audit_event import register_audit_kinds
from accounts.passkeys import credential_json, emails
from accounts.passkeys.api import samples
from accounts.passkeys.api.fields import CredentialField
from accounts.passkeys.api.presenters import PasskeyShape, passkey_data
from accounts.passkeys.exceptions import PasskeyExists, PasskeyInvalid, PasskeyInvalidLogin, PasskeyUnknown
from accounts.passkeys.flows import factor, removal, sign_up
from accounts.passkeys.models import Passkey, PasskeyAuditKind, UsedChallenge
from accounts.registries import (
    CLAIM_EFFECTS,
    EXPORT_SECTIONS,
    SECOND_FACTORS,
    SIGN_IN_METHODS,
    SIGN_UP_METHODS,
    ClaimEffect,
    ExportSection,
    FactorPrompt,
    SecondFactor,
    SignInMethod,
    SignUpMethod,
)
from accounts.services.cleanup_rules import RULES, CleanupRule

SECOND_FACTOR = SecondFactor(
    name="passkey",
    label=_("passkeys"),
    field="credential",
    field_class=CredentialField,
    sample=samples.ASSERTION,
    sample_title="Passkey",
    parse=credential_json.from_text,
    prompt=FactorPrompt(template="admin/passkey_prompt.html", get_options=factor.get_options),
    rows=lambda user_id: Passkey.objects.filter(user_id=user_id),
    verify=factor.verify,
    errors=(PasskeyUnknown, PasskeyInvalidLogin),
    step_up_errors=(PasskeyInvalid,),
)
SIGN_UP = SignUpMethod(
    name="passkey",
    field="credential",
    field_class=CredentialField,
    sample=samples.NEW_CREDENTIAL,
    sample_title="With a passkey instead of a password",
    prepare=sign_up.prepare,
    store=sign_up.store,
    errors=(PasskeyInvalid, PasskeyExists),
)


def _has_passkey(user: User) -> bool:
    return Passkey.objects.filter(user=user).exists()


def _read_for_export(user: User) -> list[dict[str, Any]]:
    return [passkey_data(passkey) for passkey in Passkey.objects.filter(user=user).order_by("created_at", "id")]


EXPORT = ExportSection(
    name="passkeys", read=_read_for_export, shape=partial(PasskeyShape, many=True), sample=[samples.PASSKEY]
)
CLEANUP = CleanupRule(
    name="used passkey challenges", expired=lambda now: UsedChallenge.objects.filter(expires_at__lte=now)
)


def register() -> None:
    EMAIL_KINDS.register(emails.PASSKEY_ADDED, emails.PASSKEY_REMOVED, emails.PASSKEY_COUNTER_DECREASED)
    register_audit_kinds(PasskeyAuditKind)
    SIGN_IN_METHODS.register(
        SignInMethod(name=removal.METHOD, amr="swk", label=_("passkeys"), is_available_for=_has_passkey)
    )
    SECOND_FACTORS.register(SECOND_FACTOR)
    SIGN_UP_METHODS.register(SIGN_UP)
    EXPORT_SECTIONS.register(EXPORT)
    CLAIM_EFFECTS.register(
        ClaimEffect(
            name="passkeys",
            remove=removal.remove_planted,
            relations=frozenset({"passkeys", "passkey_handle"}),
        )
    )
    RULES.register(CLEANUP)
