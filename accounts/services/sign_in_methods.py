"""The ways in which a user can sign in: the password, and the methods that capabilities register."""

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.registries import SIGN_IN_METHODS, SignInMethod


def get_available(user: User) -> tuple[SignInMethod, ...]:
    return tuple(method for method in SIGN_IN_METHODS if method.is_available_for(user))


def is_removable(name: str, *, user: User) -> bool:
    """Return whether the user could still sign in without the method."""
    method = SIGN_IN_METHODS.get(name)
    return method is not None and method.is_removable and any(other.name != name for other in get_available(user))


def register() -> None:
    SIGN_IN_METHODS.register(
        SignInMethod(
            name="password", amr="pwd", label=_("password"), is_available_for=lambda user: user.has_usable_password()
        )
    )
