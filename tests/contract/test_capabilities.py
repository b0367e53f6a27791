"""Each capability is one folder: without it, the project still starts, migrates and signs users in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from core.paths import BASE_DIR

_PARTS = ("accounts", "config", "core", "sessions_tracking", "templates", "locale", "docs")
_FILES = ("manage.py", "conftest.py", "pytest.ini", "pyproject.toml", "README.md", ".env.example")
_LOGIN_TESTS = (
    "accounts/api/tests/test_login.py",
    "accounts/api/tests/test_logout.py",
    "accounts/api/tests/test_me.py",
)


def _run(project: Path, *arguments: str) -> None:
    environment = os.environ | {
        "DEBUG": "on",
        "TEST_DB": "sqlite",
        "DATABASE_URL": f"sqlite:///{project}/test.sqlite3",
        "DJANGO_SETTINGS_MODULE": "config.settings.base",
    }
    command = [sys.executable, *arguments]
    result = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


@pytest.fixture
def copied_project(tmp_path: Path) -> Path:
    for part in _PARTS:
        shutil.copytree(BASE_DIR / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for file in _FILES:
        shutil.copy(BASE_DIR / file, tmp_path / file)
    return tmp_path


@pytest.mark.timeout(240)
@pytest.mark.parametrize("capability", settings.CAPABILITIES)
def test_the_project_works_without_the_folder_of_a_capability(copied_project: Path, capability: str) -> None:
    shutil.rmtree(copied_project / capability.replace(".", "/"))

    _run(copied_project, "manage.py", "check")
    _run(copied_project, "manage.py", "makemigrations", "--check", "--dry-run")
    _run(copied_project, "manage.py", "migrate", "--verbosity=0")
    settings_of_tests = "--ds=config.settings.test"
    _run(copied_project, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", settings_of_tests, *_LOGIN_TESTS)


def test_code_outside_a_capability_does_not_name_it() -> None:
    """The import linter forbids imports; this finds dotted strings too. Tests may use a capability."""
    sources = [
        file
        for folder in ("accounts", "core", "sessions_tracking")
        for file in (BASE_DIR / folder).rglob("*.py")
        if "tests" not in file.parts
    ]
    naming = [
        f"{file.relative_to(BASE_DIR)}: {capability}"
        for capability in settings.CAPABILITIES
        for file in sources
        if not file.is_relative_to(BASE_DIR / capability.replace(".", "/")) and capability in file.read_text()
    ]

    assert naming == []
