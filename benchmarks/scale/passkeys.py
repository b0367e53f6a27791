"""Is a passkey challenge ever accepted twice? The race of `accounts/passkeys/tests/test_races.py`, many times over."""

import time
from collections.abc import Iterator

from accounts.passkeys.testing import live_passkey
from benchmarks.scale.finding import Finding, zero
from benchmarks.scale.testbed import Testbed
from core.testing.live_server import LiveServer

AT_ONCE = 100


def measure(testbed: Testbed, *, uses: int) -> Iterator[Finding]:
    origin = testbed.contender.environment["FRONTEND_URL"]
    expected, wrong, started = {"ok": 1, "passkey_invalid": AT_ONCE - 1}, 0, time.monotonic()
    variables = {"RATE_LIMITS": "off", "EMAIL_VERIFICATION": "none", "WEB_WORKERS": "2"}
    with testbed.serving(testbed.full, **variables) as serving:
        server = LiveServer(serving.port)
        _username, authenticator = live_passkey.sign_up(server, origin=origin)
        for _ in range(uses // AT_ONCE):
            wrong += live_passkey.use_in_parallel(server, authenticator, uses=AT_ONCE) != expected
    rate = uses / (time.monotonic() - started)
    yield Finding("sign-ins by passkey", f"{uses:,}, {AT_ONCE} with each challenge at once, at {rate:.0f} per second")
    yield zero("challenges of these not accepted exactly once", wrong)
