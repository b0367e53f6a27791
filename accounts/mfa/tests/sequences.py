"""A user whose second factors change by random steps, and the invariants that hold after each of them."""

import random
from collections.abc import Callable
from datetime import timedelta

from django.core import mail
from django.utils import timezone
from time_machine import Traveller

from accounts.mail.delivery import deliver_due
from accounts.mfa.flows import enrolment, verification
from accounts.mfa.models import FactorRecovery, RecoveryCode
from accounts.mfa.tests import another_factor, recoveries
from accounts.models import User
from accounts.services import enabled_factors
from accounts.testing.api_client import ApiClient
from accounts.testing.emails import token_in
from accounts.testing.second_factor import AuthenticatorApp, verify
from sessions_tracking.models import Session

_PASSWORDS = ("Correct-Horse-7", "Another-Horse-8")


class Walk:
    """A user of the real API. Each step succeeds or is refused; `check` then asserts the invariants.

    `user` is read anew by each step. `codes` are the recovery codes that the user wrote down last, `secret` the app's.
    """

    def __init__(self, user: User, superuser: User, clock: Traveller, *, seed: int) -> None:
        self.user_id, self.superuser, self.clock = user.id, superuser, clock
        self.random, self.password = random.Random(seed), _PASSWORDS[0]  # noqa: S311
        self.codes: list[str] = []
        self.app: AuthenticatorApp | None = None
        self.client = ApiClient()
        self.done: list[str] = []
        self.has_lost_factors = False

    def steps(self) -> list[Callable[[], object]]:
        return [
            self.sign_in,
            self.add_app,
            self.remove_app,
            self.add_another,
            self.remove_another,
            self.use_recovery_code,
            self.renew_codes,
            *[self.begin_recovery] * 3,
            self.stop_recovery,
            *[self.complete_recovery] * 3,
            self.reset_password,
            self.toggle_active,
            self.reset_by_admin,
            *[self.wait] * 3,
        ]

    def take(self, count: int) -> None:
        for _ in range(count):
            step = self.random.choice(self.steps())
            self.done.append(step.__name__)
            step()
            self.check()

    @property
    def user(self) -> User:
        return User.objects.get(id=self.user_id)

    def sign_in(self) -> bool:
        """Sign in by whatever the user still has; return whether that worked."""
        self.clock.shift(30)  # the next code of the app
        verification.reset_wrong_codes(self.user_id)
        data = ApiClient().post("/login", {"username": self.user.username, "password": self.password}).json()
        if "mfaToken" in data.get("data", {}):
            data = self._verify(data["data"]["mfaToken"], data["data"]["methods"])
        if "token" not in data.get("data", {}):
            return False
        self.codes = data["data"].get("recoveryCodes", self.codes)
        self.client = ApiClient().bearing(data["data"]["token"])
        return True

    def _verify(self, token: str, methods: list[str]) -> dict[str, dict[str, str]]:
        proof: dict[str, str] = {}
        if self.has_lost_factors:
            return {}
        if "totp" in methods and self.app is not None:
            proof = {"code": self.app.code()}
        elif "another" in methods:
            proof = {"anotherCode": "123456"}
        elif self.codes:
            proof = {"recoveryCode": self.codes.pop()}
        data: dict[str, dict[str, str]] = verify(token, **proof).json()  # type: ignore[arg-type]
        return data

    def add_app(self) -> None:
        response = self.client.post("/mfa/totp")
        if response.status_code != 200:
            return
        app = AuthenticatorApp(response.json()["data"]["secret"])
        confirmed = self.client.post("/mfa/totp/confirm", {"code": app.code()})
        assert confirmed.status_code == 200, confirmed.content
        self.app, self.codes = app, confirmed.json()["data"].get("recoveryCodes", self.codes)

    def remove_app(self) -> None:
        self.client.delete("/mfa/totp", {"password": self.password})

    def add_another(self) -> None:
        session = Session.objects.active(timezone.now()).filter(user=self.user_id, user__is_active=True).first()
        if session is not None and not another_factor.ANOTHER_FACTOR.rows(self.user_id).exists():
            self.codes = another_factor.add(self.user, session_id=str(session.id)) or self.codes

    def remove_another(self) -> None:
        another_factor.remove(self.user)

    def use_recovery_code(self) -> None:
        if self.codes and self.user.mfa_enabled:
            data = ApiClient().post("/login", {"username": self.user.username, "password": self.password}).json()
            if "mfaToken" in data.get("data", {}):
                verify(data["data"]["mfaToken"], recoveryCode=self.codes.pop())

    def renew_codes(self) -> None:
        response = self.client.post("/mfa/recovery-codes", {"password": self.password})
        if response.status_code == 200:
            self.codes = response.json()["data"]["recoveryCodes"]

    def begin_recovery(self) -> bool:
        data = ApiClient().post("/login", {"username": self.user.username, "password": self.password}).json()
        token = data.get("data", {}).get("mfaToken")
        return token is not None and bool(recoveries.begin(token).status_code == 202)

    def stop_recovery(self) -> None:
        if self._links():
            recoveries.cancel(self._links()[1])

    def complete_recovery(self) -> bool:
        return bool(self._links()) and bool(recoveries.complete(self._links()[0]).status_code == 200)

    def _links(self) -> tuple[str, ...]:
        deliver_due()
        is_begun = any(message.subject == recoveries.BEGUN for message in mail.outbox)
        return recoveries.tokens_in(mail.outbox) if is_begun else ()

    def reset_password(self) -> None:
        ApiClient().post("/forgot-password", {"email": self.user.email})
        deliver_due()
        resets = [message for message in mail.outbox if "/reset-password?token=" in str(message.body)]
        other = next(password for password in _PASSWORDS if password != self.password)
        if (
            resets
            and ApiClient().post("/reset-password", {"token": token_in(resets[-1]), "newPassword": other}).status_code
            == 200
        ):
            self.password = other

    def toggle_active(self) -> None:
        administrator = ApiClient()
        login = administrator.post("/login", {"username": self.superuser.username, "password": _PASSWORDS[0]})
        administrator = administrator.bearing(login.json()["data"]["token"])
        response = administrator.patch(f"/users/{self.user_id}", {"isActive": not self.user.is_active})
        assert response.status_code == 200, response.content

    def reset_by_admin(self) -> None:
        enrolment.reset_by_admin(user_id=self.user_id, actor_id=self.superuser.id)

    def wait(self) -> None:
        self.clock.shift(timedelta(hours=self.random.choice([1, 12, 25])))

    def check(self) -> None:
        user, factors = self.user, enabled_factors.get(self.user_id)
        codes = RecoveryCode.objects.filter(user=user, used_at=None).count()
        assert user.mfa_enabled == any(not factor.is_backup for factor in factors), self.done
        assert codes == (user.recovery_codes_left or 0), self.done
        assert user.mfa_enabled or (user.recovery_codes_left is None), self.done
        assert user.mfa_enabled or not FactorRecovery.objects.unfinished().filter(user=user).exists(), self.done
        raised = Session.objects.active(timezone.now()).filter(user=user, acr="aal2")
        assert user.mfa_enabled or not raised.exists(), self.done

    def rescue(self) -> None:
        """Assert that the user gets in again with the mailbox alone, having lost everything, once the account is active."""
        if not self.user.is_active:
            self.toggle_active()
        self.has_lost_factors = True
        self.reset_password()
        if not self.sign_in():
            assert self.begin_recovery(), self.done
            self.clock.shift(timedelta(hours=24))
            assert self.complete_recovery(), self.done
            assert self.sign_in(), self.done
        self.has_lost_factors = False
        self.check()
