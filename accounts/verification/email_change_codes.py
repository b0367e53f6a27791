"""The code and the link of a change of address: derived from its row with the server's key, and stored nowhere."""

import hmac
import uuid
from datetime import UTC, datetime

from django.conf import settings

from accounts.keyed_hash import digest
from accounts.models import EmailChange
from accounts.tokens.signed_ids import seal, unseal

_CODE, _LINK = "email-change.code", "email-change.undo"


def start_code(change_id: uuid.UUID) -> str | None:
    """For the email that carries it: the code, its lifetime counted from now; None where nothing waits for one any more."""
    lives_until = datetime.now(UTC) + settings.VERIFICATION_CODE_LIFETIME
    if not EmailChange.objects.pending().filter(id=change_id).update(code_expires_at=lives_until):
        return None
    return _code(change_id)


def is_right_code(change: EmailChange, code: str) -> bool:
    """In constant time, for a code that was mailed lately."""
    if change.code_expires_at is None or change.code_expires_at <= datetime.now(UTC):
        return False
    return hmac.compare_digest(_code(change.id).encode(), code.encode())


def start_link(change_id: uuid.UUID) -> str | None:
    """For the email that carries it: the link's token, its lifetime counted from now; None where nothing is left to undo."""
    lives_until = datetime.now(UTC) + settings.UNDO_EMAIL_CHANGE_LIFETIME
    if not EmailChange.objects.open().filter(id=change_id).update(undo_expires_at=lives_until):
        return None
    return seal(_LINK, change_id)


def find_by_token(token: str) -> EmailChange | None:
    """The change that the link of this token may still undo."""
    change_id = unseal(_LINK, token)
    return EmailChange.objects.undoable(datetime.now(UTC)).filter(id=change_id).first() if change_id else None


def _code(change_id: uuid.UUID) -> str:
    return f"{int.from_bytes(digest(_CODE, str(change_id))) % 1_000_000:06d}"
