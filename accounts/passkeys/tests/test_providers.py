"""The list of passkey providers, and the command that renews it."""

import json
import re
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from accounts.passkeys import providers
from accounts.passkeys.models import MAX_NAME_LENGTH

COMMAND = "update_passkey_providers"
UPSTREAM = {"FBFC3007-154E-4ECC-8C0B-6E020557D7BD": {"name": " Apple Passwords ", "icon_dark": "data:image/svg+xml,x"}}


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "providers.json"
    copy.write_text("old")
    monkeypatch.setattr(providers, "LIST", copy)
    return copy


def test_the_list_has_a_source_a_date_and_names_that_fit() -> None:
    content = json.loads(providers.LIST.read_text())

    assert content["source"].startswith("https://")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", content["date"])
    assert len(content["providers"]) > 40
    for aaguid, name in content["providers"].items():
        assert str(UUID(aaguid)) == aaguid
        assert 0 < len(name) <= MAX_NAME_LENGTH
        assert name.isprintable()


def test_a_provider_is_found_by_its_aaguid() -> None:
    assert providers.get_name(UUID("fbfc3007-154e-4ecc-8c0b-6e020557d7bd")) == "Apple Passwords"
    assert providers.get_name(UUID(int=0)) is None


def test_the_command_keeps_ids_and_names(target: Path, tmp_path: Path) -> None:
    source = tmp_path / "aaguid.json"
    source.write_text(json.dumps(UPSTREAM))
    output = StringIO()

    call_command(COMMAND, str(source), stdout=output)

    assert output.getvalue() == "1 providers.\n"
    written = json.loads(target.read_text())
    assert written["providers"] == {"fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "Apple Passwords"}
    assert "svg" not in target.read_text()


@pytest.mark.parametrize(
    "text", ["{}", "[]", "x", '{"x": {"name": "y"}}', '{"fbfc3007-154e-4ecc-8c0b-6e020557d7bd": {}}']
)
def test_another_file_leaves_the_list_as_it_is(target: Path, tmp_path: Path, text: str) -> None:
    source = tmp_path / "aaguid.json"
    source.write_text(text)

    with pytest.raises(CommandError):
        call_command(COMMAND, str(source))

    assert target.read_text() == "old"
