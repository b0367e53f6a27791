"""What can go wrong with a refresh beyond the codes that all share."""

import uuid


class RefreshTokenRetired(Exception):
    """A refresh token was presented that is neither current nor excused by the grace: theft, for the caller to punish."""

    def __init__(self, *, session_id: uuid.UUID, user_id: uuid.UUID) -> None:
        super().__init__("a retired refresh token was presented")
        self.session_id = session_id
        self.user_id = user_id
