"""The principal: the user and the session that a request acts for."""

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """Replaces the model instance as `request.user`, so that authentication needs no query. `id` is the user's."""

    id: uuid.UUID
    username: str
    role: str
    session_id: uuid.UUID
    second_factor: bool = False
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_active: bool = True

    @property
    def pk(self) -> uuid.UUID:
        return self.id
