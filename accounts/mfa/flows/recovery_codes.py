"""Recovery codes: ten at a time, each good for one sign-in, shown once and stored as keyed hashes."""

import secrets
import uuid
from datetime import UTC, datetime

from django.db import transaction

from accounts import audit
from accounts.exceptions import MfaNotEnabled, PasswordIncorrect
from accounts.keyed_hash import hmac_hexdigest
from accounts.mfa.models import RecoveryCode
from accounts.models import AuditKind, User
from accounts.services import passwords, profile
from accounts.verification import pasted_text
from accounts.verification.pasted_text import RECOVERY_ALPHABET, RECOVERY_LENGTH
from core.api.exceptions import SessionRevoked
from sessions_tracking import services as sessions

COUNT = 10
_GROUP = RECOVERY_LENGTH // 2  # two groups: 50 bits


def renew(*, user_id: uuid.UUID, session_id: uuid.UUID, password: str) -> list[str]:
    """Ten new codes; all others are dead. Raises PasswordIncorrect (`password`), MfaNotEnabled, SessionRevoked."""
    user = profile.get(user_id=user_id)
    if not user.mfa_enabled:  # asked again under the lock; here it saves the hash
        raise MfaNotEnabled
    passwords.require_correct(password, user=user, field="password")
    with transaction.atomic():
        locked = User.objects.select_for_update().filter(id=user_id, password=user.password).first()
        if locked is None:
            raise PasswordIncorrect(field="password")
        if not sessions.is_active(user_id=user_id, session_id=session_id):
            raise SessionRevoked
        if not locked.mfa_enabled:
            raise MfaNotEnabled
        audit.record(AuditKind.RECOVERY_CODES_RENEWED, user_id=user_id, actor_id=user_id, session_id=session_id)
        return issue(user_id=user_id)


def issue(*, user_id: uuid.UUID) -> list[str]:
    """Within the caller's transaction, which holds the user's row."""
    codes, now = [_new_code() for _ in range(COUNT)], datetime.now(UTC)
    RecoveryCode.objects.filter(user_id=user_id).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user_id=user_id, code_hash=_hash(user_id, code), created_at=now) for code in codes
    )
    return codes


def use(*, user_id: uuid.UUID, code: str) -> bool:
    """Uses the code up; True for the one caller that did, of however many raced. Case, blanks and hyphens do not matter."""
    unused = RecoveryCode.objects.filter(user_id=user_id, code_hash=_hash(user_id, code), used_at=None)
    return unused.update(used_at=datetime.now(UTC)) == 1


def left(*, user_id: uuid.UUID) -> int:
    return RecoveryCode.objects.filter(user_id=user_id, used_at=None).count()


def _new_code() -> str:
    letters = "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH))
    return f"{letters[:_GROUP]}-{letters[_GROUP:]}"


def _hash(user_id: uuid.UUID, code: str) -> str:
    return hmac_hexdigest("recovery-code", str(user_id), pasted_text.recovery_code(code) or "")
