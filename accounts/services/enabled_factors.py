"""The second factors that a user can respond with."""

import uuid

from django.db.models import Exists

from accounts.models import User
from accounts.registries import SECOND_FACTORS, SecondFactor


def get(user_id: uuid.UUID) -> tuple[SecondFactor, ...]:
    """Return the enabled factors in one statement, those that stand in for another one last."""
    factors = sorted(SECOND_FACTORS, key=lambda factor: factor.is_backup)
    if not factors:
        return ()
    flags = User.objects.filter(id=user_id).values_list(*(Exists(factor.rows(user_id)) for factor in factors)).first()
    return tuple(factor for factor, is_enabled in zip(factors, flags or (), strict=False) if is_enabled)
