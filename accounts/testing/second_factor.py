"""An authenticator app, and users who have enrolled one."""

import time
from dataclasses import dataclass, field
from typing import Any

import pyotp

from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn

WRONG_RECOVERY_CODE = "AAAAA-AAAAA"


@dataclass
class AuthenticatorApp:
    """`code(drift)` is the code of `drift` steps of thirty seconds from now."""

    secret: str = field(repr=False)

    def code(self, drift: int = 0) -> str:
        return pyotp.TOTP(self.secret).generate_otp(self.step() + drift)

    def step(self) -> int:
        return int(time.time()) // 30

    def wrong_code(self) -> str:
        """Return a code that is wrong for all time steps near now."""
        near = {self.code(drift) for drift in range(-3, 4)}
        return next(code for code in map("{:06d}".format, range(8)) if code not in near)


@dataclass
class UserWithTotp:
    user: User
    app: AuthenticatorApp
    recovery_codes: list[str]
    session: SignedIn

    def pending(self, **body: Any) -> str:
        """Log in with the password, and return the mfaToken."""
        response = ApiClient().post("/login", {"username": self.user.username, "password": PASSWORD} | body)
        assert response.status_code == 200, response.content
        return str(response.json()["data"]["mfaToken"])


def enrol(session: SignedIn) -> UserWithTotp:
    """Add an authenticator app. The confirmation uses the code of the previous time step, so the current one stays valid."""
    secret = session.client.post("/mfa/totp").json()["data"]["secret"]
    app = AuthenticatorApp(secret)
    step = app.step()
    response = session.client.post("/mfa/totp/confirm", {"code": app.code(-1)})
    if response.status_code != 200 and app.step() != step:  # a new time step has begun, and the code was too old
        response = session.client.post("/mfa/totp/confirm", {"code": app.code(-1)})
    assert response.status_code == 200, response.content
    session.user.refresh_from_db()
    return UserWithTotp(session.user, app, response.json()["data"]["recoveryCodes"], session)


def verify(token: str, client: ApiClient | None = None, **proof: Any) -> Any:
    return (client or ApiClient()).post("/mfa/verify", {"mfaToken": token} | proof)
