"""The tokens of the two links by which a recovery is completed or stopped: HMACs of its id, stored nowhere."""

import hmac
import uuid

from accounts.mfa.models import FactorRecovery
from accounts.models import User
from accounts.tokens import signing
from accounts.tokens.signing import hmac_hexdigest

_COMPLETE, _STOP = "factor-recovery.complete", "factor-recovery.stop"


def completion_token(recovery: FactorRecovery) -> str:
    return signing.sign_id(_COMPLETE, recovery.id)


def stop_token(recovery: FactorRecovery) -> str:
    return signing.sign_id(_STOP, recovery.id)


def id_to_complete(token: str) -> uuid.UUID | None:
    return signing.unsign_id(_COMPLETE, token)


def id_to_stop(token: str) -> uuid.UUID | None:
    return signing.unsign_id(_STOP, token)


def binding(user: User) -> str:
    """Bind the links to the email and the time of its verification, so that changing the email and back invalidates them too."""
    verified_at = user.email_verified_at.isoformat() if user.email_verified_at else ""
    return hmac_hexdigest("factor-recovery.binding", str(user.id), user.email_key or "", verified_at)


def is_bound_to(recovery: FactorRecovery, user: User) -> bool:
    return hmac.compare_digest(recovery.binding, binding(user))
