"""The password as a step-up, for users without a second factor."""

from accounts.api.serializers.fields import Password
from accounts.registries import REAUTHENTICATION_METHODS, ReauthenticationMethod
from accounts.services import step_up

PASSWORD = ReauthenticationMethod(
    name="password",
    field="password",
    field_class=Password,
    sample="Correct-Horse-7",
    sample_title="Password",
    is_available_for=lambda _user: True,  # an account without a password rejects each one as incorrect
    prepare=step_up.check_password,
    verify=step_up.verify_password,
)


def register() -> None:
    REAUTHENTICATION_METHODS.register(PASSWORD)
