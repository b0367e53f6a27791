"""What the tests of the second factor share: an authenticator app whose clock the test sets, and people who have one."""

import time
from dataclasses import dataclass, field
from typing import Any

import pyotp

from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn

WRONG_RECOVERY_CODE = "AAAAA-AAAAA"


@dataclass
class AuthenticatorApp:
    """Alice's phone. `code()` is what it shows, `drift` steps of thirty seconds from now."""

    secret: str = field(repr=False)

    def code(self, drift: int = 0) -> str:
        return pyotp.TOTP(self.secret).generate_otp(self.step() + drift)

    def step(self) -> int:
        return int(time.time()) // 30

    def wrong_code(self) -> str:
        """One that is right at none of the times near now."""
        near = {self.code(drift) for drift in range(-3, 4)}
        return next(code for code in map("{:06d}".format, range(8)) if code not in near)


@dataclass
class UserWithTotp:
    user: User
    app: AuthenticatorApp
    recovery_codes: list[str]
    session: SignedIn

    def pending(self, **body: Any) -> str:
        """The mfaToken of a new sign-in with the right password."""
        reply = ApiClient().post("/login", {"username": self.user.username, "password": PASSWORD} | body)
        assert reply.status_code == 200, reply.content
        return str(reply.json()["data"]["mfaToken"])


def enrol(session: SignedIn) -> UserWithTotp:
    """Adds an authenticator app over the API. Its confirmation uses up the code of the step before now."""
    secret = session.client.post("/mfa/totp").json()["data"]["secret"]
    app = AuthenticatorApp(secret)
    step = app.step()
    reply = session.client.post("/mfa/totp/confirm", {"code": app.code(-1)})
    if (
        reply.status_code != 200 and app.step() != step
    ):  # the next thirty seconds have begun meanwhile, and the code was too old
        reply = session.client.post("/mfa/totp/confirm", {"code": app.code(-1)})
    assert reply.status_code == 200, reply.content
    session.user.refresh_from_db()
    return UserWithTotp(session.user, app, reply.json()["data"]["recoveryCodes"], session)


def verify(token: str, client: ApiClient | None = None, **proof: Any) -> Any:
    return (client or ApiClient()).post("/mfa/verify", {"mfaToken": token} | proof)
