"""Errors of rotation that callers handle before they respond."""

import uuid


class RefreshTokenRetired(Exception):
    """A refresh token is neither current nor in its grace period. The caller must treat it as theft and revoke the session."""

    def __init__(self, *, session_id: uuid.UUID, user_id: uuid.UUID) -> None:
        super().__init__("a retired refresh token was presented")
        self.session_id = session_id
        self.user_id = user_id
