"""How the user of a session authenticated, and when: the claims `amr`, `acr` and `auth_time`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class AssuranceLevel(StrEnum):
    """The values of `acr`. AAL2 means a user-verified passkey, or a first and a second factor."""

    AAL1 = "aal1"
    AAL2 = "aal2"


# RFC 8176; `email`, `fed` and `recovery` are values of this service. `mfa` accompanies every AAL2.
AMR_VALUES = ("pwd", "email", "fed", "swk", "hwk", "otp", "recovery", "mfa")
FIRST_FACTORS = frozenset({"pwd", "email", "fed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationContext:
    """`amr` is in the order of AMR_VALUES. `authenticated_at` is in whole seconds, as `auth_time` has it."""

    amr: tuple[str, ...]
    acr: str
    authenticated_at: datetime

    @classmethod
    def from_columns(cls, amr: str, acr: str, authenticated_at: datetime) -> "AuthenticationContext":
        """Take the columns of a session. Processes of the former version let the database write fractions of a second."""
        return cls(amr=tuple(amr.split()), acr=acr, authenticated_at=authenticated_at.replace(microsecond=0))

    @property
    def auth_time(self) -> int:
        """Return Unix seconds."""
        return int(self.authenticated_at.timestamp())

    def meets(self, *, acr: str | None = None, max_age: timedelta | None = None) -> bool:
        """Return whether the level is at least `acr`, and the authentication at most `max_age` ago."""
        if acr == AssuranceLevel.AAL2 and self.acr != AssuranceLevel.AAL2:
            return False
        return max_age is None or datetime.now(UTC) - self.authenticated_at <= max_age

    def with_proof(
        self, amr: Iterable[str], *, acr: str, authenticated_at: datetime | None = None
    ) -> "AuthenticationContext":
        """Add what the user proved later. The level never falls; the time stays unless one is given."""
        level = max(self.acr, acr)  # "aal1" < "aal2"
        return AuthenticationContext(
            amr=_ordered({*self.amr, *amr}, level),
            acr=level,
            authenticated_at=authenticated_at or self.authenticated_at,
        )


def authenticated_now(*amr: str, acr: str = AssuranceLevel.AAL1) -> AuthenticationContext:
    """Return the context of an authentication that has just succeeded."""
    return AuthenticationContext(amr=_ordered(set(amr), acr), acr=acr, authenticated_at=current_second())


def current_second() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _ordered(amr: set[str], acr: str) -> tuple[str, ...]:
    values = amr | {"mfa"} if acr == AssuranceLevel.AAL2 else amr - {"mfa"}
    return tuple(value for value in AMR_VALUES if value in values)
