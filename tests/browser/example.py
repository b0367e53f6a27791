"""The single-page example of the documentation beside `make run`: another origin on the same host, as developers have it."""

import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts.testing.api_client import PASSWORD
from core.dev import processes
from core.ids import new_id
from core.paths import BASE_DIR
from core.testing import clone
from core.testing.clone import Clone
from core.web_server import bind_address

_SERVE = BASE_DIR / "docs" / "examples" / "spa" / "serve.py"
_HOST = "127.0.0.1"
_EMAIL_SECONDS = 20.0
_AGE_SESSIONS = """
from datetime import timedelta
from django.db.models import F
from sessions_tracking.models import Session
from sessions_tracking.principal_cache.replacement import refresh_cached_principals
Session.objects.update(authenticated_at=F("authenticated_at") - timedelta(hours=1))
for user_id in Session.objects.values_list("user_id", flat=True).distinct():
    refresh_cached_principals(user_id=user_id)
"""


@dataclass(frozen=True)
class Example:
    origin: str
    clone: Clone

    @property
    def api(self) -> str:
        return f"http://localhost:{self.clone.port}"

    def newest_email(self, address: str, containing: str) -> dict[str, Any]:
        """Wait for an email to the address whose text contains the words, and return the newest one."""
        deadline = time.monotonic() + _EMAIL_SECONDS
        while time.monotonic() < deadline:
            messages = self._get(f"/dev/mailbox/messages?{urllib.parse.urlencode({'to': address})}")["messages"]
            wanted = [message for message in messages if containing in message["text"]]
            if wanted:
                return dict(wanted[0])
            time.sleep(0.2)
        raise AssertionError(f"no email to {address} contains {containing}")

    def let_proofs_age(self) -> None:
        """Make the last proof of every session an hour old."""
        self.run_python(_AGE_SESSIONS)

    def run_python(self, code: str) -> None:
        """Run the code in Django's shell, on the database of the server."""
        command = ["manage.py", "shell", "-c", code]
        folder, environment = self.clone.folder, self.clone.environment
        result = subprocess.run(  # noqa: PLW1510 - the assertion shows the output
            command, cwd=folder, env=environment, capture_output=True, timeout=60, text=True
        )
        assert result.returncode == 0, result.stderr

    def sign_up(self) -> str:
        """Create a verified user with a password through the API, and return the username."""
        name = f"u{new_id().hex[-20:]}"
        email = f"{name}@example.com"
        self.post("/register", {"email": email, "username": name, "password": PASSWORD})
        self.post("/verify-email", {"email": email, "code": code_in(self.newest_email(email, "verify-email")["text"])})
        return name

    def post(self, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
        return self._send("POST", path, body, token)

    def _send(self, method: str, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(  # noqa: S310 - a server of this test
            f"{self.api}/api/auth{path}", json.dumps(body).encode(), headers, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return dict(json.load(response))

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.api}{path}", timeout=10) as response:  # noqa: S310
            return dict(json.load(response))


def code_in(text: str) -> str:
    """Return the six digits outside of links."""
    match = re.search(r"(?<!\w)(\d{6})(?!\w)", re.sub(r"https?://\S+", "", text))
    assert match, text
    return match[1]


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[Example]:
    port = bind_address.free_port(_HOST)
    origin = f"http://localhost:{port}"
    copy = clone.make(folder, CORS_ALLOWED_ORIGINS=origin, RATE_LIMITS="off", **variables)
    with clone.running(copy), (folder / "example.log").open("wb") as log:
        command: list[str | Path] = [sys.executable, _SERVE, "--api", f"http://localhost:{copy.port}"]
        process = processes.start([*command, "--port", str(port)], stdout=log, stderr=subprocess.STDOUT)
        try:
            processes.wait_until(
                lambda: bind_address.answers(_HOST, port, "/"), process, log=folder / "example.log", seconds=10
            )
            yield Example(origin, copy)
        finally:
            processes.stop(process, grace=1)
