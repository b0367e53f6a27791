"""`.env.example`: each line means the same to this project, to Docker Compose and to systemd, and can be used as it is."""

import re
from pathlib import Path

import pytest

from core.environment import dotenv, variables
from core.environment.env import BadVariable
from core.environment.secret_strength import secret_weakness
from core.paths import BASE_DIR
from core.testing.fresh_settings import DEVELOPMENT, PRODUCTION, load

EXAMPLE = (BASE_DIR / ".env.example").read_text()
LINES = [line.removeprefix("# ") for line in EXAMPLE.splitlines() if re.match(r"# [A-Z]", line)]
SECRETS = {"SECRET_KEY", "JWT_SECRET_KEY", "JWT_REFRESH_SECRET", "MFA_ENCRYPTION_KEYS", "METRICS_TOKEN"}
# Samples with a password, which production refuses.
WITH_A_SAMPLE_PASSWORD = {"DATABASE_URL", "EMAIL_URL"}
FILES = sorted([BASE_DIR / ".env.example", BASE_DIR / "docker" / ".env.example"])


def _expected(value: str) -> str:
    """Written as a user reads it, and not by the parser under test."""
    return value.partition("=")[2]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(BASE_DIR)))
def test_no_value_is_followed_by_a_comment_or_needs_a_quote(file: Path) -> None:
    assignments = [line for line in file.read_text().splitlines() if re.match(r"(# )?[A-Z][A-Z0-9_]*\s*=", line)]

    assert len(assignments) > 5
    for line in assignments:
        assert re.fullmatch(r"(# )?[A-Z][A-Z0-9_]*=([^\s#$\\'\"][^#$\\'\"]*[^\s#$\\'\"]|[^\s#$\\'\"]?)", line), line


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.partition("=")[0])
def test_a_line_that_is_uncommented_sets_what_it_shows(tmp_path: Path, line: str) -> None:
    name = line.partition("=")[0]
    (tmp_path / ".env").write_text(f"{EXAMPLE}\n".replace(f"\n# {line}\n", f"\n{line}\n"))

    read = dotenv.read(tmp_path / ".env")

    assert {name: assignment.value for name, assignment in read.items()} == {name: _expected(line)}
    environment = {**PRODUCTION, name: None, "ENV_FILE": str(tmp_path / ".env")}
    if name in WITH_A_SAMPLE_PASSWORD or (not _expected(line) and name in {"SECRET_KEY", "JWT_SECRET_KEY"}):
        with pytest.raises(BadVariable, match=rf"^{name} (has the password of a sample|is not set)"):
            load(environment)
    else:
        load(environment)


def test_all_lines_together_start_production_once_the_secrets_are_filled_in(tmp_path: Path) -> None:
    filled = [
        f"{line}{PRODUCTION[line[:-1]]}" if line[:-1] in {"SECRET_KEY", "JWT_SECRET_KEY"} else line for line in LINES
    ]
    text = "\n".join(filled).replace("user:password@", "user:hunter2@").replace(":password@", ":hunter2@")
    (tmp_path / ".env").write_text(text)

    settings = load({"ENV_FILE": str(tmp_path / ".env")})

    assert (settings.DEBUG, settings.JWT_ISSUER, settings.WEB_THREADS) == (False, "vestibule", 8)
    assert settings.JWT_PRIVATE_KEYS == ["/etc/vestibule/keys"]
    assert settings.DEFAULT_FROM_EMAIL == "Example <no-reply@example.com>"
    assert (settings.COOKIE_DOMAIN, settings.GEOIP_PATH, settings.METRICS_TOKEN) == (None, "", "")
    assert settings.EMAIL_HOST_PASSWORD == "hunter2"


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_whose_value_is_a_comment_never_starts(name: str) -> None:
    for comment in (
        "     # required when DEBUG is off: openssl rand -base64 48",
        "# required: openssl rand -base64 48",
    ):
        for environment in (PRODUCTION, DEVELOPMENT):
            with pytest.raises(BadVariable, match=rf"^{name} begins with") as caught:
                load({**environment, name: comment})
            assert "openssl" not in str(caught.value)
    assert secret_weakness("required when DEBUG is off: openssl rand -base64 48")


def test_every_name_of_the_file_is_one_that_is_read() -> None:
    assert all(variables.is_known(line.partition("=")[0]) for line in LINES)
    assert not variables.is_known("JWT_ACESS_EXPIRY")
    assert variables.similar_to("JWT_ACESS_EXPIRY") == "JWT_ACCESS_EXPIRY"
    assert variables.is_known("RESEND_API_KEY")
    assert variables.is_known("MAILGUN_SENDER_DOMAIN")
    assert variables.is_known("JWT_SECRET_KEY_FILE")
