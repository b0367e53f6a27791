"""Outside DEBUG there is no mailbox: a real server of production has none of its paths."""

import os
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from core.testing import live_database, live_server
from core.testing.fresh_settings import PRODUCTION

PATHS = (
    "/dev/mailbox",
    "/dev/mailbox/",
    "/dev/mailbox/messages",
    "/dev/mailbox/messages?to=a@example.com",
    "/dev/mailbox/x",
)


@pytest.mark.skipif(os.environ.get("TEST_DB") == "postgresql", reason="the paths do not depend on the database")
def test_a_server_outside_debug_has_no_mailbox(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    variables = {
        name: PRODUCTION[name]
        for name in ("DEBUG", "SECRET_KEY", "JWT_SECRET_KEY", "DEFAULT_FROM_EMAIL", "FRONTEND_URL")
    }
    variables |= {"ALLOWED_HOSTS": "127.0.0.1", "EMAIL_URL": "console://"}

    with live_database.in_use(tmp_path, django_db_blocker), live_server.running(tmp_path, **variables) as server:
        for path in PATHS:
            for method in ("GET", "HEAD", "POST"):
                request = (
                    f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                assert server.send_bytes(request.encode()).status == 404, f"{method} {path}"
        home = server.send_bytes(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")

    assert home.status == 200
    assert b"mailbox" not in home.raw
