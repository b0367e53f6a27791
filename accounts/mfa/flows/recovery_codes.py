"""Recovery codes: ten at a time, each good for one login, shown once and stored as keyed hashes."""

import re
import secrets
import uuid
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F
from django.db.models.expressions import Combinable

from accounts import audit
from accounts.mfa.exceptions import MfaNotEnabled
from accounts.mfa.models import MfaAuditKind, RecoveryCode
from accounts.models import User
from accounts.services import profile, recent_proof
from accounts.tokens.signing import hmac_hexdigest
from accounts.verification import pasted_text
from sessions_tracking.principal import Principal

COUNT = 10
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 characters, none of which looks like another
LENGTH = 10  # two groups of five: 50 bits
_GROUP = LENGTH // 2
_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def normalize(text: str) -> str | None:
    """Return the code in upper case without separators, or None if the text cannot be one."""
    code = pasted_text.compact(text).upper()
    return code if _CODE.fullmatch(code) else None


def renew(*, principal: Principal, password: str | None) -> list[str]:
    """Replace all codes of the user by ten new ones.

    Raises as `recent_proof.confirm` (`password`); SessionRevoked; MfaNotEnabled for users without any second factor.
    """
    user_id, session_id = principal.id, principal.session_id
    user = profile.get(user_id=user_id)
    if not user.mfa_enabled:  # checked again under the lock; here it saves the hash
        raise MfaNotEnabled
    proof = recent_proof.confirm(user=user, principal=principal, password=password, field="password")
    with transaction.atomic():
        if not recent_proof.lock_confirmed(proof, field="password").mfa_enabled:
            raise MfaNotEnabled
        audit.record(MfaAuditKind.RECOVERY_CODES_RENEWED, user_id=user_id, actor_id=user_id, session_id=session_id)
        return issue(user_id=user_id)


def issue(*, user_id: uuid.UUID) -> list[str]:
    """Replace the codes within the caller's transaction, which holds the user's row."""
    codes, now = [_new_code() for _ in range(COUNT)], datetime.now(UTC)
    RecoveryCode.objects.filter(user_id=user_id).delete()
    _set_left(user_id, COUNT)
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user_id=user_id, code_hash=_hash(user_id, code), created_at=now) for code in codes
    )
    return codes


def delete(*, user_id: uuid.UUID) -> None:
    """Delete the codes within the caller's transaction, which holds the user's row."""
    RecoveryCode.objects.filter(user_id=user_id).delete()
    _set_left(user_id, None)


def use(*, user_id: uuid.UUID, code: str) -> bool:
    """Use the code up, within a transaction that holds the user's row. Case, blanks and hyphens are ignored."""
    unused = RecoveryCode.objects.filter(user_id=user_id, code_hash=_hash(user_id, code), used_at=None)
    if not unused.update(used_at=datetime.now(UTC)):
        return False
    _set_left(user_id, F("recovery_codes_left") - 1)
    return True


def count_left(*, user_id: uuid.UUID) -> int:
    return RecoveryCode.objects.filter(user_id=user_id, used_at=None).count()


def _set_left(user_id: uuid.UUID, left: int | Combinable | None) -> None:
    """Keep the number that profiles show beside the rows, in the same transaction."""
    User.objects.filter(id=user_id).update(recovery_codes_left=left)


def _new_code() -> str:
    characters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{characters[:_GROUP]}-{characters[_GROUP:]}"


def _hash(user_id: uuid.UUID, code: str) -> str:
    return hmac_hexdigest("recovery-code", str(user_id), normalize(code) or "")
