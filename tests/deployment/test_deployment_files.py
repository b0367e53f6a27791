"""docker/ and docs/deployment.md agree with each other, with the secrets and with the environment variables."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from core.paths import BASE_DIR

DOCKER = BASE_DIR / "docker"
PAGE = (BASE_DIR / "docs" / "deployment.md").read_text()
TEMPLATE = (DOCKER / "nginx" / "vestibule.conf.template").read_text()
ENV_EXAMPLE = (BASE_DIR / ".env.example").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yml").read_text())
UNITS = sorted((DOCKER / "debian").glob("*.service"))


def _braces() -> set[str]:
    return set(re.findall(r"\$\{(\w+)\}", TEMPLATE))


def test_every_placeholder_of_the_nginx_template_is_documented() -> None:
    line = re.search(r"envsubst '(.*?)'", PAGE)
    assert line

    assert set(line[1].replace("$", "").split()) == _braces()
    nginx = COMPOSE["services"]["nginx"]["environment"]
    assert set(nginx) - {"NGINX_ENVSUBST_FILTER"} == _braces()
    assert set(re.findall(r"[A-Z_]+", nginx["NGINX_ENVSUBST_FILTER"])) == _braces()


def test_each_mounted_secret_is_generated_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    copy = shutil.copytree(DOCKER, tmp_path / "docker", ignore=shutil.ignore_patterns("secrets", "tls", ".env"))
    mounted = [copy / secret["file"] for secret in COMPOSE["secrets"].values()]

    for _ in range(2):
        subprocess.run([copy / "make-secrets.sh"], check=True, capture_output=True)
        made = {path: path.read_text() for path in mounted}

    assert made == {path: path.read_text() for path in mounted}
    assert all(path.parent.stat().st_mode & 0o777 == 0o700 for path in mounted)
    assert len(set(made.values())) == len(made)


def test_the_operators_password_is_escaped_in_the_database_url(tmp_path: Path) -> None:
    copy = shutil.copytree(DOCKER, tmp_path / "docker", ignore=shutil.ignore_patterns("secrets", "tls", ".env"))
    (copy / "secrets").mkdir()
    (copy / "secrets" / "postgres_password").write_text("a@b:/c#d?e%2Fé+")

    subprocess.run([copy / "make-secrets.sh"], check=True, capture_output=True)

    database_url = urlsplit((copy / "secrets" / "database_url").read_text())
    assert (database_url.hostname, unquote(database_url.password or "")) == ("postgres", "a@b:/c#d?e%2Fé+")


def test_an_invalid_host_gets_no_certificate(tmp_path: Path) -> None:
    copy = shutil.copytree(DOCKER, tmp_path / "docker", ignore=shutil.ignore_patterns("secrets", "tls", ".env"))

    done = subprocess.run([copy / "make-secrets.sh", "a.example/O=x"], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (copy / "secrets").exists()


def test_a_host_longer_than_a_common_name_gets_a_certificate(tmp_path: Path) -> None:
    copy = tmp_path / "docker"
    shutil.copytree(DOCKER, copy, ignore=shutil.ignore_patterns("secrets", "tls"))
    host = f"{'a' * 60}.example.com"
    subprocess.run([copy / "make-secrets.sh", host], check=True, capture_output=True)

    assert {file.name for file in (copy / "tls").iterdir()} == {"fullchain.pem", "privkey.pem"}
    certificate = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(copy / "tls" / "fullchain.pem")]
    assert f"DNS:{host}" in subprocess.run(certificate, check=True, capture_output=True, text=True).stdout


def test_the_containers_set_only_variables_that_the_service_reads() -> None:
    environment = COMPOSE["x-vestibule"]["environment"]

    names = {name.removesuffix("_FILE") for name in environment}
    assert {name for name in names if not re.search(rf"^# {name}=", ENV_EXAMPLE, re.MULTILINE)} == set()
    files = {value for name, value in environment.items() if name.endswith("_FILE")}
    assert files == {f"/run/secrets/{name}" for name in COMPOSE["x-vestibule"]["secrets"]}


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_each_container_runs_with_minimal_privileges(name: str) -> None:
    service = COMPOSE["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert ("ports" in service) == (name == "nginx")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_restarts_each_service_and_the_page_enables_it(unit: Path) -> None:
    assert "Restart=always" in unit.read_text()
    assert f"systemctl enable --now {unit.stem.removesuffix('@')}" in PAGE or f" {unit.stem}" in PAGE


def test_the_root_compose_file_includes_existing_files() -> None:
    root = yaml.safe_load((BASE_DIR / "compose.yaml").read_text())
    (included,) = [BASE_DIR / path for path in root["include"]]
    services: dict[str, Any] = yaml.safe_load(included.read_text())["services"]

    for service in services.values():
        build = service.get("build")
        assert build is None or (included.parent / build["context"] / build["dockerfile"]).is_file()
        assert build is None or (included.parent / build["context"]).resolve() == BASE_DIR
        for watched in service.get("develop", {}).get("watch", []):
            assert (included.parent / watched["path"]).exists()
        # DEBUG is on: only this machine may connect.
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "secrets" not in yaml.safe_load(included.read_text())  # development needs no generated secret


def test_the_image_contains_no_secrets_and_no_tests() -> None:
    rules = (BASE_DIR / ".dockerignore").read_text().splitlines()

    assert rules[1] == "*"
    assert {"**/tests", "**/testing"} <= set(rules)
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    assert all((BASE_DIR / path).exists() for path in kept)
    assert not kept & {".env", "var", "docker", ".git"}
