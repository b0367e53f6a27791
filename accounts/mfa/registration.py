"""The entries of this capability in the registries of accounts."""

import uuid

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.fields import OneTimeCode
from accounts.mail.kinds import EMAIL_KINDS
from accounts.mfa import emails
from accounts.mfa.api.forms import RecoveryCodeField
from accounts.mfa.flows import enrolment, lost_factors, recovery_codes, verification
from accounts.mfa.models import FactorRecovery, MfaAuditKind, RecoveryCode, TotpFactor
from accounts.models import User
from accounts.models.audit_event import register_audit_kinds
from accounts.registries import (
    CLAIM_EFFECTS,
    EXPORT_SECTIONS,
    FACTOR_OBSERVERS,
    SECOND_FACTORS,
    ClaimEffect,
    ExportSection,
    FactorObserver,
    SecondFactor,
)
from accounts.services.cleanup_rules import RULES, CleanupRule
from accounts.verification import pasted_text
from core.api.timestamps import iso_or_none

TOTP = SecondFactor(
    name="totp",
    label=_("authenticator app"),
    field="code",
    field_class=OneTimeCode,
    sample="123456",
    sample_title="Code from the authenticator app",
    parse=pasted_text.one_time_code,
    rows=lambda user_id: TotpFactor.objects.filter(user_id=user_id, confirmed_at__isnull=False),
    verify=verification.verify_totp_code,
)
RECOVERY_CODE = SecondFactor(
    name="recovery_code",
    label=_("recovery codes"),
    field="recoveryCode",
    field_class=RecoveryCodeField,
    sample="K7M2X-QH4TR",
    sample_title="Recovery code",
    parse=recovery_codes.normalize,
    rows=lambda user_id: RecoveryCode.objects.filter(user_id=user_id, used_at=None),
    verify=verification.verify_recovery_code,
    is_backup=True,
)


class ExportedRecovery(serializers.Serializer[dict[str, object]]):
    startedAt = serializers.DateTimeField()
    availableAt = serializers.DateTimeField()
    completedAt = serializers.DateTimeField(allow_null=True)
    cancelledAt = serializers.DateTimeField(allow_null=True)
    ip = serializers.CharField(allow_null=True)
    device = serializers.CharField(allow_blank=True)


class ExportedSecondFactor(serializers.Serializer[dict[str, object]]):
    """The state of authenticator app and recovery codes, without their secrets."""

    enabledAt = serializers.DateTimeField(allow_null=True, help_text="When the app was added. Null if there is none.")
    recoveryCodesLeft = serializers.IntegerField(min_value=0)
    recoveries = ExportedRecovery(many=True, help_text="Recoveries of a lost second factor.")


def _read_for_export(user: User) -> dict[str, object]:
    factor = TotpFactor.objects.filter(user=user).first()
    return {
        "enabledAt": iso_or_none(factor.confirmed_at if factor else None),
        "recoveryCodesLeft": user.recovery_codes_left or 0,
        "recoveries": [_exported_recovery(row) for row in user.factor_recoveries.order_by("id")],
    }


def _exported_recovery(recovery: FactorRecovery) -> dict[str, object]:
    return {
        "startedAt": iso_or_none(recovery.started_at),
        "availableAt": iso_or_none(recovery.available_at),
        "completedAt": iso_or_none(recovery.completed_at),
        "cancelledAt": iso_or_none(recovery.cancelled_at),
        "ip": recovery.ip,
        "device": recovery.device,
    }


def _forget_lost_factors(user_id: uuid.UUID) -> None:
    """Delete the codes, and the count of wrong codes, which must not limit the user's next factor. Close a recovery."""
    recovery_codes.delete(user_id=user_id)
    verification.reset_wrong_codes(user_id)
    lost_factors.close(user_id=user_id)


def _protect_factors(user_id: uuid.UUID) -> list[str]:
    """Issue the codes. Forget an app that a session started to add before there was a factor to prove."""
    enrolment.forget_started(user_id=user_id)
    return recovery_codes.issue(user_id=user_id)


RECOVERY_CODES = FactorObserver(
    name="recovery codes",
    first_added=_protect_factors,
    last_removed=_forget_lost_factors,
)


def register() -> None:
    EMAIL_KINDS.register(emails.MFA_ENABLED, emails.MFA_DISABLED, emails.RECOVERY_CODE_USED)
    EMAIL_KINDS.register(emails.RECOVERY_BEGUN, emails.RECOVERY_STOPPED, emails.RECOVERY_COMPLETED)
    register_audit_kinds(MfaAuditKind)
    SECOND_FACTORS.register(TOTP, RECOVERY_CODE)
    FACTOR_OBSERVERS.register(RECOVERY_CODES)
    EXPORT_SECTIONS.register(
        ExportSection(
            name="secondFactor",
            read=_read_for_export,
            shape=ExportedSecondFactor,
            sample={"enabledAt": None, "recoveryCodesLeft": 0, "recoveries": []},
        ),
    )
    CLAIM_EFFECTS.register(
        ClaimEffect(
            name="second factor",
            remove=enrolment.remove_planted,
            relations=frozenset({"totp_factor", "recovery_codes"}),
        ),
        ClaimEffect(
            name="recoveries of the second factor",
            remove=lost_factors.forget,
            relations=frozenset({"factor_recoveries"}),
        ),
    )
    RULES.register(
        CleanupRule(
            name="recoveries of the second factor",
            expired=lambda now: FactorRecovery.objects.filter(expires_at__lte=now),
        )
    )
