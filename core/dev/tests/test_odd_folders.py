"""A clone works in a folder of any name or refuses with one sentence, and writes only into that folder."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from core.testing import clone
from core.testing.clone import Clone

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.environ.get("TEST_DB") == "postgresql", reason="a clone has SQLite; once is enough"),
]
_DEEP = "/".join(["a-folder-of-thirty-characters-"] * 5)
_ALL = 'it\'s a "b" #?&;%2F$HOME`id`@+{x}\\[::1]50%café-日本'
NAMES = [
    "vestibule", "my clone", "feature%2Flogin", "a#b", "a?b", "a&b", "a;b", "it's", 'a"b', "$HOME", "`id`", "a@b", "a:b",
    "a+b", "50%", "café-日本", "-dash", "{x}", "a\\b", "[::1]", _DEEP, _ALL,
]  # fmt: skip
# A minimal environment, as in cron or a container.
_BARE = {
    "LC_ALL": "POSIX", "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "0", "TMPDIR": "/nowhere",
    "PYTHONCOERCECLOCALE": "0", "HOME": "/nowhere",
}  # fmt: skip
_PROBE = """
import json, os
from django.conf import settings
from redis.connection import parse_url
database, socket = settings.DATABASES["default"]["NAME"], parse_url(settings.REDIS_URL)["path"]
print(json.dumps([str(database), socket, str(settings.MAILBOX_DIR)]))
"""


def _make(tmp_path: Path, name: str) -> Clone:
    (tmp_path / "tmp").mkdir()
    return clone.make(tmp_path / "root", name, TMPDIR=str(tmp_path / "tmp"))


def _run(made: Clone, *command: str, umask: int = 0o022) -> str:
    done = subprocess.run(
        command, cwd=made.folder, env=made.environment, umask=umask, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _beside(made: Clone, root: Path) -> set[str]:
    """Return the files below `root` that are neither in the clone nor above it."""
    return {
        str(path)
        for path in root.rglob("*")
        if not path.is_relative_to(made.folder) and path not in made.folder.parents
    }


@pytest.mark.parametrize("name", NAMES)
def test_files_are_written_into_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    made = _make(tmp_path, name)
    environment = "DJANGO_SETTINGS_MODULE=config.settings.base"

    database, socket, mailbox = json.loads(_run(made, "env", environment, "python", "-c", _PROBE))

    var = made.folder / "var"
    assert (database, mailbox) == (str(var / "db.sqlite3"), str(var / "mailbox"))
    temporary = {Path(made.environment["TMPDIR"]), Path("/tmp")}  # noqa: S108 - where a deep TMPDIR leaves no room
    assert socket == str(var / "redis.sock") or Path(socket).parent.parent in temporary
    assert len(os.fsencode(socket)) <= 103


@pytest.mark.parametrize(("name", "umask"), [(_ALL, 0o000), ("a#b", 0o077)])
def test_a_clone_migrates_in_a_folder_of_any_name_and_keeps_its_data_private(
    tmp_path: Path, name: str, umask: int
) -> None:
    made = _make(tmp_path, name)
    before = _beside(made, tmp_path / "root")

    _run(made, "manage.py", "migrate", "-v", "0", umask=umask)

    with closing(sqlite3.connect(made.folder / "var" / "db.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM accounts_user").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM django_migrations").fetchone() > (10,)
    assert (made.folder / "var").stat().st_mode & 0o777 == 0o700
    assert (made.folder / "var" / "db.sqlite3").stat().st_mode & 0o777 == 0o600
    assert _beside(made, tmp_path / "root") == before


@pytest.mark.parametrize(
    ("name", "variables"),
    [(_ALL, {}), (f"{_DEEP}/a#b", {}), ("vestibule", _BARE)],
    ids=["every character", "deep", "bare"],
)
def test_a_user_registers_by_email_in_a_clone_of_any_name(tmp_path: Path, name: str, variables: dict[str, str]) -> None:
    made = _make(tmp_path, name)
    for missing in ("HOME", "TERM", "LANG"):
        made.environment.pop(missing, None)
    made.environment.update(variables)
    before = _beside(made, tmp_path / "root")

    with clone.running(made):
        _post(made, "register", {"email": "jane@example.com", "username": "jane", "password": "Password123"})
        code = _mailed_code(made, "jane@example.com")
        _post(made, "verify-email", {"email": "jane@example.com", "code": code})
        tokens = _post(made, "login", {"username": "jane", "password": "Password123"})

    assert tokens["data"]["user"]["username"] == "jane"
    assert list((made.folder / "var" / "mailbox").glob("*.json"))
    assert _beside(made, tmp_path / "root") == before


@pytest.mark.parametrize("name", ["line\nbreak", os.fsdecode(b"latin-\xe9")])
def test_an_unrepresentable_folder_name_is_refused_before_any_write(tmp_path: Path, name: str) -> None:
    made = _make(tmp_path, "vestibule")
    folder = made.folder.rename(made.folder.with_name(name))

    done = subprocess.run(
        [sys.executable, "manage.py", "run_dev"],
        cwd=folder,
        env=made.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Rename the folder" in done.stderr
    assert not (folder / "var").exists()


def _post(made: Clone, path: str, body: dict[str, str]) -> dict[str, dict[str, dict[str, str]]]:
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{made.url}/api/auth/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
        result: dict[str, dict[str, dict[str, str]]] = json.load(response)
        return result


def _mailed_code(made: Clone, email: str) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{made.url}/dev/mailbox/messages?to={email}", timeout=20) as response:  # noqa: S310
            for message in json.load(response)["messages"]:
                code = re.search(r"(?<!\w)(\d{6})(?!\w)", re.sub(r"https?://\S+", "", message["text"]))
                if code:
                    return code[1]
        time.sleep(0.2)
    raise AssertionError(f"no email arrived: {(made.folder / 'run_dev.log').read_text()[-2000:]}")
