"""A deployment starts with all that it needs, or stops with one line that names the variable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.paths import BASE_DIR

VALID = {
    "DEBUG": "off",
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "q8Zr1vJ0xW5tLk3nB7mYc2dF6hG4sPaEuTiOoRwV",
    "JWT_SECRET_KEY": "Zk2mX9cV4bN7qL1wE6rT3yU8iO5pA0sDfGhJkLzX",
    "ALLOWED_HOSTS": "api.example.com",
    "DATABASE_URL": "postgres://vestibule:hunter2@db.internal:5432/vestibule",
    "REDIS_URL": "redis://:hunter2@redis.internal:6379/0",
    "EMAIL_URL": "smtp+tls://mailer:hunter2@mail.internal",
    "DEFAULT_FROM_EMAIL": "no-response@example.org",
    "FRONTEND_URL": "https://app.example.com",
}


def check(**changes: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in (VALID | changes).items() if value is not None}
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False)


def test_a_complete_deployment_starts() -> None:
    result = check()

    assert result.returncode == 0, result.stderr
    assert "hunter2" not in result.stdout + result.stderr


@pytest.mark.parametrize("name", sorted(VALID.keys() - {"DEBUG", "ENV_FILE"}))
def test_a_missing_variable_stops_the_start_with_its_name(name: str) -> None:
    _assert_stopped_by(name, check(**{name: None}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "your_secret_key_here"),
        ("JWT_SECRET_KEY", "too-short-hunter2"),
        ("JWT_REFRESH_SECRET", "changeme-hunter2-changeme-hunter2-changeme"),
        ("SECRET_KEY", "abcdefghijklmnopqrstuvwxyz0123456789"),
        ("SECRET_KEY", "q8Zr1vJ0xW5tLk3n" * 3),
        ("JWT_SECRET_KEY", VALID["SECRET_KEY"]),
        ("JWT_REFRESH_SECRET", VALID["SECRET_KEY"]),
        ("JWT_REFRESH_SECRET", VALID["JWT_SECRET_KEY"]),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "api.example.com, *"),
        ("DEBUG", "perhaps"),
        ("DATABASE_URL", "mysql://root:hunter2@db.internal/x"),
        ("DATABASE_URL", "postgres://me:hun/hunter2@db:port/x"),
        ("DATABASE_URL", "sqlite:////srv/a#b/db.sqlite3"),
        ("REDIS_URL", "http://:hunter2@redis.internal"),
        ("REDIS_URL", "redis://:hunter2@redis.internal:port/0"),
        ("EMAIL_URL", "smtp://me:hunter2@mail.internal:port"),
        ("FRONTEND_URL", "app.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", "https://*.example.com"),
        ("JWT_ACCESS_EXPIRY", "900"),
        ("RATE_LIMITS", "sometimes"),
        ("VERIFICATION_CODE_LIFETIME", "30s"),
        ("RATE_LIMIT_LOGIN", "thirty"),
        ("RATE_LIMIT_FORGOT", "1/m;5/h"),
        ("RATE_LIMIT_WRONG_PASSWORDS", "5/5m,10/h"),
        ("WRONG_PASSWORD_FIRST_WAIT", "30"),
        ("MAX_CODE_TRIES", "0"),
        ("JWT_PRIVATE_KEYS", "/run/secrets/signing.pem"),
    ],
)
def test_an_unusable_variable_stops_the_start_with_its_name(name: str, value: str) -> None:
    _assert_stopped_by(name, check(**{name: value}))


def test_secrets_can_come_from_files(tmp_path: Path) -> None:
    for name in ("SECRET_KEY", "JWT_SECRET_KEY", "DATABASE_URL"):
        (tmp_path / name).write_text(VALID[name] + "\n")
    names = ("SECRET_KEY", "JWT_SECRET_KEY", "DATABASE_URL")
    files: dict[str, str | None] = {f"{name}_FILE": str(tmp_path / name) for name in names}

    assert check(**files, **dict.fromkeys(names)).returncode == 0


def test_development_starts_with_settings_that_production_refuses() -> None:
    result = check(DEBUG="on", ALLOWED_HOSTS="*", SECRET_KEY="secret", JWT_SECRET_KEY="secret")

    assert result.returncode == 0, result.stderr


def test_production_sends_hsts() -> None:
    for debug, seconds in (("off", "31536000"), ("on", "0")):
        environment = {name: value for name, value in (VALID | {"DEBUG": debug}).items() if value is not None}
        command = [sys.executable, "manage.py", "diffsettings", "--all"]
        result = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=True)

        assert f"SECURE_HSTS_SECONDS = {seconds}" in result.stdout


def test_the_first_signing_key_can_be_generated_before_the_first_start(tmp_path: Path) -> None:
    keys = str(tmp_path / "keys")
    _assert_stopped_by("JWT_PRIVATE_KEYS", check(JWT_PRIVATE_KEYS=keys))

    environment = {name: value for name, value in VALID.items() if value is not None} | {"JWT_PRIVATE_KEYS": keys}
    command = [sys.executable, "manage.py", "rotate_keys"]
    subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, check=True)

    assert check(JWT_PRIVATE_KEYS=keys).returncode == 0


def _assert_stopped_by(name: str, result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 1
    assert result.stderr.startswith(f"{name} "), result.stderr
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.stdout + result.stderr
