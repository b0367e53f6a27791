"""A user with an authenticator app on a live server, for tests of races."""

import pyotp

from accounts.testing.cast import log_in, signed_in, someone
from core.testing.live_server import ApiRequest, LiveServer


class LiveUserWithApp:
    def __init__(self, server: LiveServer) -> None:
        self.server, self.user = server, someone()
        self.access = signed_in(server, self.user).access
        self.first_session = self.user.sessions.get()
        self.app = pyotp.TOTP(server.send(ApiRequest("POST", "/mfa/totp", token=self.access)).data["secret"])
        confirm = ApiRequest("POST", "/mfa/totp/confirm", {"code": self.app.now()}, self.access)
        self.recovery_codes: list[str] = server.send(confirm).data["recoveryCodes"]

    def pending(self) -> str:
        """Log in with the password, and return the mfaToken."""
        return str(self.server.send(log_in(self.user)).data["mfaToken"])
