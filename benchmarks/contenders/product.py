"""The product as deployed: rate limits (too high to matter), audit and metrics on."""

import secrets
import sys

from benchmarks.contender import BCRYPT_ROUNDS, PASSWORD, Command, Contender, Kind, as_json, bearing
from benchmarks.installed import PEERS
from benchmarks.load.plan import Request
from core.paths import BASE_DIR

_NEVER_REACHED = "999999/s"
_LIMITS = ("LOGIN", "REGISTER", "ANONYMOUS", "BAD_TOKENS", "REFRESH", "WRONG_PASSWORDS")


def _command(port: int, threads: int) -> Command:
    # The command reads port and threads from its environment.
    return ["env", f"PORT={port}", f"WEB_THREADS={threads}", sys.executable, "manage.py", "serve"]


def product() -> Contender:
    seeding: Command = ["env", f"PYTHONPATH={BASE_DIR}", sys.executable, PEERS / "seed.py"]
    return Contender(
        name="vestibule",
        label="Vestibule",
        kind=Kind.PRODUCT,
        command=_command,
        folder=BASE_DIR,
        environment=_environment(),
        prepare=[[sys.executable, "manage.py", "migrate", "--verbosity", "0"], seeding],
        me=Request("GET", "/api/auth/me", bearing()),
        forward_auth=Request("GET", "/api/auth/forward-auth", bearing()),
        login=Request("POST", "/api/auth/login", body=as_json(username="user{number}", password=PASSWORD)),
        refresh=Request("POST", "/api/auth/refresh", body=as_json(refreshToken="{token}")),
        register=Request(
            "POST",
            "/api/auth/register",
            body=as_json(username="new{number}", email="new{number}@example.com", password=PASSWORD),
        ),
        logout=Request("POST", "/api/auth/logout", bearing()),
        access="accessToken",
        refresh_token="refreshToken",
    )


def _environment() -> dict[str, str]:
    names = ("SECRET_KEY", "JWT_SECRET_KEY", "JWT_REFRESH_SECRET")
    return {name: secrets.token_urlsafe(48) for name in names} | {
        "DJANGO_SETTINGS_MODULE": "config.settings.base",
        "DEBUG": "off",
        "HOST": "127.0.0.1",
        "ALLOWED_HOSTS": "127.0.0.1",
        "FRONTEND_URL": "https://app.example.com",
        "EMAIL_URL": "console://",
        "DEFAULT_FROM_EMAIL": "auth@example.com",
        "BCRYPT_ROUNDS": str(BCRYPT_ROUNDS),
        "WEB_WORKERS": "1",
        "LOG_LEVEL": "warning",
        "RATE_LIMITS": "on",
        **{f"RATE_LIMIT_{name}": _NEVER_REACHED for name in _LIMITS},
    }
