"""The sessions of Django's admin, which are none of the API's: they end with those all the same."""

import uuid
from datetime import UTC, datetime

from accounts.models import User


def end_all(*, user_id: uuid.UUID) -> None:
    """Each is refused with its next request; see `User.signed_out_at`.

    Within the caller's transaction, and before the rows of its sessions: whoever locks both takes the user first.
    """
    User.objects.filter(id=user_id).update(signed_out_at=datetime.now(UTC))
