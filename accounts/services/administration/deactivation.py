"""Since when an account is out of use, and why: kept while it is, for administrators to read."""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.api.exceptions import ValidationFailed


def columns(before: User, *, is_active: bool, reason: str | None) -> dict[str, Any]:
    """The columns that go with `is_active`. A deactivation said again keeps its time; None keeps its reason.

    Raises ValidationFailed (`deactivationReason`) for a reason why somebody active is not.
    """
    if is_active:
        if reason is not None:
            raise ValidationFailed(errors={"deactivationReason": [_("Only for an account that is not active.")]})
        return {"deactivated_at": None, "deactivation_reason": ""}
    if before.is_active or before.deactivated_at is None:
        now = datetime.now(UTC)  # nor do sessions of Django's admin come back with an activation
        return {"deactivated_at": now, "signed_out_at": now, "deactivation_reason": reason or ""}
    return {} if reason is None else {"deactivation_reason": reason}
