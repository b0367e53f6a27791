"""A session in words: where it is, and whether it lasts."""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from sessions_tracking.models import RevokedReason, Session

COLOURS = {"active": "success", "ended": "info", "stolen": "danger", "expired": "warning"}


def device(session: Session) -> str:
    return f"{session.browser} · {session.os} · {session.device}"


def state(session: Session) -> tuple[str, Any]:
    """What it is, for the colour; and the words, which say why it ended."""
    if session.revoked_at is not None:
        kind = "stolen" if session.revoked_reason == RevokedReason.REFRESH_REUSED else "ended"
        return kind, session.get_revoked_reason_display() or _("ended")
    if session.is_active(datetime.now(UTC)):
        return "active", _("active")
    return "expired", _("run out")
