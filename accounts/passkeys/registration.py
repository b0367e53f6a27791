"""The entries of this capability in the registries of accounts."""

from accounts.mail.kinds import EMAIL_KINDS
from accounts.models import User
from accounts.models.audit_event import register_audit_kinds
from accounts.passkeys import emails
from accounts.passkeys.flows import removal
from accounts.passkeys.models import Passkey, PasskeyAuditKind, UsedChallenge
from accounts.registries import CLAIM_EFFECTS, SIGN_IN_METHODS, ClaimEffect, SignInMethod
from accounts.services.cleanup_rules import RULES, CleanupRule


def _has_passkey(user: User) -> bool:
    return Passkey.objects.filter(user=user).exists()


def register() -> None:
    EMAIL_KINDS.register(emails.PASSKEY_ADDED, emails.PASSKEY_REMOVED, emails.PASSKEY_COUNTER_DECREASED)
    register_audit_kinds(PasskeyAuditKind)
    SIGN_IN_METHODS.register(SignInMethod(name="passkey", amr="swk", is_available_for=_has_passkey))
    CLAIM_EFFECTS.register(
        ClaimEffect(
            name="passkeys",
            remove=removal.remove_planted,
            relations=frozenset({"passkeys", "passkey_handle"}),
        )
    )
    RULES.register(
        CleanupRule(
            name="used passkey challenges", expired=lambda now: UsedChallenge.objects.filter(expires_at__lte=now)
        )
    )
