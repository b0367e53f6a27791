"""A challenge works for its own purpose, at its own endpoint, for its own session or login."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from accounts.models import User
from accounts.passkeys.models import Passkey
from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.authenticator import Json, SoftwareAuthenticator
from accounts.passkeys.testing.passkey_client import UserWithPasskey
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from sessions_tracking.models import Session

NEWCOMER = {"email": "erin@example.com", "username": "erin"}


class Scene:
    """alice has a passkey, and two sessions by password; a login of hers waits for its second factor."""

    def __init__(self, alice: UserWithPasskey) -> None:
        self.authenticator, self.session = alice.authenticator, alice.session
        body = {"username": alice.user.username, "password": PASSWORD}
        self.token = str(ApiClient().post("/login", body).json()["data"]["mfaToken"])

    def challenge(self, purpose: str) -> str:
        return str(_OPTIONS[purpose](self)["challenge"])


_OPTIONS: dict[str, Callable[[Scene], Json]] = {
    "registration": lambda scene: passkey_client.registration_options(scene.session),
    "sign-up": lambda _scene: passkey_client.sign_up_options(**NEWCOMER),
    "sign-in": lambda _scene: passkey_client.sign_in_options(),
    "second factor": lambda scene: passkey_client.second_factor_options(scene.token),
    "step-up": lambda scene: passkey_client.step_up_options(scene.session),
}


def _register(scene: Scene, challenge: str) -> Any:
    options = passkey_client.registration_options(scene.session) | {"challenge": challenge}
    return scene.session.client.post("/passkeys", {"credential": _other().create(options)})


def _sign_up(scene: Scene, challenge: str) -> Any:
    options = passkey_client.sign_up_options(**NEWCOMER) | {"challenge": challenge}
    return ApiClient().post("/register", NEWCOMER | {"credential": _other().create(options)})


def _sign_in(scene: Scene, challenge: str) -> Any:
    options = passkey_client.sign_in_options() | {"challenge": challenge}
    return passkey_client.send_assertion(scene.authenticator.get(options))


def _second_factor(scene: Scene, challenge: str) -> Any:
    options = passkey_client.second_factor_options(scene.token) | {"challenge": challenge}
    return ApiClient().post("/mfa/verify", {"mfaToken": scene.token, "credential": scene.authenticator.get(options)})


def _step_up(scene: Scene, challenge: str) -> Any:
    options = passkey_client.step_up_options(scene.session) | {"challenge": challenge}
    return scene.session.client.post("/reauthenticate", {"credential": scene.authenticator.get(options)})


_USES: dict[str, tuple[Callable[[Scene, str], Any], int, int]] = {
    "registration": (_register, 201, 400),
    "sign-up": (_sign_up, 201, 400),
    "sign-in": (_sign_in, 200, 401),
    "second factor": (_second_factor, 200, 401),
    "step-up": (_step_up, 200, 400),
}


def _other() -> SoftwareAuthenticator:
    return passkey_client.new_authenticator()


@pytest.mark.parametrize("used_for", _USES)
@pytest.mark.parametrize("purpose", _OPTIONS)
def test_a_challenge_works_for_its_own_purpose_only(
    alice_with_passkey: UserWithPasskey, purpose: str, used_for: str
) -> None:
    scene = Scene(alice_with_passkey)
    use, success, refusal = _USES[used_for]
    before = _rows()

    response = use(scene, scene.challenge(purpose))

    if purpose == used_for:
        assert response.status_code == success
    else:
        assert (response.status_code, response.json()["code"]) == (refusal, "passkey_invalid")
        assert _rows() == before


@pytest.mark.parametrize("purpose", _OPTIONS)
def test_a_challenge_expires_after_five_minutes(
    alice_with_passkey: UserWithPasskey, settings: Settings, purpose: str
) -> None:
    settings.PENDING_LOGIN_LIFETIME = timedelta(minutes=10)
    scene = Scene(alice_with_passkey)
    use, success, refusal = _USES[purpose]
    challenge = scene.challenge(purpose)

    with time_machine.travel(timedelta(minutes=5, seconds=1)):
        response = use(scene, challenge)
    assert (response.status_code, response.json()["code"]) == (refusal, "passkey_invalid")

    with time_machine.travel(timedelta(minutes=4, seconds=50)):
        assert use(scene, challenge).status_code == success


@pytest.mark.parametrize("purpose", ["registration", "sign-up", "sign-in", "step-up"])
def test_a_challenge_works_once(alice_with_passkey: UserWithPasskey, purpose: str) -> None:
    scene = Scene(alice_with_passkey)
    use, success, refusal = _USES[purpose]
    challenge = scene.challenge(purpose)
    assert use(scene, challenge).status_code == success
    User.objects.filter(username="erin").update(username_key="other", email_key="other@example.com")
    before = _rows()

    response = use(scene, challenge)

    assert (response.status_code, response.json()["code"]) == (refusal, "passkey_invalid")
    assert _rows() == before


@pytest.mark.parametrize("purpose", ["registration", "step-up"])
def test_a_challenge_of_another_session_is_refused(
    alice_with_passkey: UserWithPasskey, mallory_with_passkey: UserWithPasskey, purpose: str
) -> None:
    scene, mallory = Scene(alice_with_passkey), Scene(mallory_with_passkey)
    use, _success, refusal = _USES[purpose]
    before = _rows()

    response = use(mallory, scene.challenge(purpose))

    assert (response.status_code, response.json()["code"]) == (refusal, "passkey_invalid")
    assert _rows() == before


@pytest.mark.parametrize("purpose", ["registration", "step-up"])
def test_a_challenge_of_another_session_of_the_same_user_is_refused(
    alice_with_passkey: UserWithPasskey, purpose: str
) -> None:
    scene = Scene(alice_with_passkey)
    data = passkey_client.sign_in(scene.authenticator).json()["data"]
    other = SignedIn(alice_with_passkey.user, ApiClient().bearing(data["token"]), data)
    use, _success, refusal = _USES[purpose]
    challenge = scene.challenge(purpose)
    scene.session = other
    before = _rows()

    response = use(scene, challenge)

    assert (response.status_code, response.json()["code"]) == (refusal, "passkey_invalid")
    assert _rows() == before


def _rows() -> tuple[int, ...]:
    return User.objects.count(), Session.objects.count(), Passkey.objects.count()
