"""The principal: the user and the session that a request acts for."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sessions_tracking.authentication_context import AssuranceLevel, AuthenticationContext

# The columns of Session from which `Principal.from_row` builds a principal, in this order.
PRINCIPAL_FIELDS = ("user_id", "user__username", "user__role", "id", "amr", "acr", "authenticated_at")


@dataclass(frozen=True, slots=True)
class Principal:
    """Replaces the model instance as `request.user`, so that authentication needs no query. `id` is the user's."""

    id: uuid.UUID
    username: str
    role: str
    session_id: uuid.UUID
    context: AuthenticationContext
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_active: bool = True

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "Principal":
        """Take the values of PRINCIPAL_FIELDS."""
        user_id, username, role, session_id, *context = row
        return cls(user_id, username, role, session_id, AuthenticationContext.from_columns(*context))

    @property
    def pk(self) -> uuid.UUID:
        return self.id

    @property
    def acr(self) -> str:
        return self.context.acr

    @property
    def amr(self) -> tuple[str, ...]:
        return self.context.amr

    @property
    def auth_time(self) -> int:
        """Return Unix seconds."""
        return self.context.auth_time

    @property
    def has_aal2(self) -> bool:
        return self.context.acr == AssuranceLevel.AAL2
