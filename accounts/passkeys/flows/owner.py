"""The lock under which a user's passkeys change."""

import uuid

from accounts.models import User
from core.api.exceptions import SessionRevoked
from sessions_tracking import services as sessions


def lock(*, user_id: uuid.UUID, session_id: uuid.UUID) -> User:
    """Return the user with the row locked. Raises SessionRevoked.

    Checks the session again under the lock: a reset or a logout may have committed since the request was authenticated.
    """
    user = User.objects.select_for_update().filter(id=user_id, is_active=True).first()
    if user is None or not sessions.is_active(user_id=user_id, session_id=session_id):
        raise SessionRevoked
    return user
