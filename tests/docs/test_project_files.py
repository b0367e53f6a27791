"""Version, tool pins and translations of the README agree with each other."""

import re
import tomllib

import yaml

import core
from core.paths import BASE_DIR

PROJECT = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())
DEV = (BASE_DIR / "requirements" / "dev.txt").read_text()
CHANGELOG = (BASE_DIR / "CHANGELOG.md").read_text()


def test_the_changelog_prepares_the_version_of_the_project() -> None:
    newest = re.search(r"^What will be (\d+\.\d+\.\d+)", CHANGELOG, re.MULTILINE)

    assert newest
    assert newest[1] == core.__version__
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "core.__version__"}


def test_pre_commit_runs_the_pinned_ruff() -> None:
    repositories = yaml.safe_load((BASE_DIR / ".pre-commit-config.yaml").read_text())["repos"]

    revisions = {repository["repo"].rsplit("/", 1)[-1]: repository.get("rev") for repository in repositories}
    pin = re.search(r"^ruff==(.+)$", DEV, re.MULTILINE)
    assert pin
    assert revisions["ruff-pre-commit"] == f"v{pin[1]}"


def test_each_package_is_pinned_once() -> None:
    files = [*(BASE_DIR / "requirements").glob("*.txt")]
    pins = [line for file in files for line in file.read_text().splitlines() if re.match(r"[\w.\-\[\]]+==", line)]

    names = [re.split(r"[\[=]", pin)[0].lower().replace("_", "-") for pin in pins]
    assert sorted(names) == sorted(set(names))


def test_the_french_readme_has_the_commands_of_the_english_one() -> None:
    blocks = [
        re.findall(r"^```sh\n(.*?)^```$", (BASE_DIR / name).read_text(), re.MULTILINE | re.DOTALL)
        for name in ("README.md", "README.fr.md")
    ]

    english, french = ([re.sub(r" +#.*", "", block) for block in language] for language in blocks)
    assert english == french


def test_the_readme_fits_on_a_screen_without_scrolling_sideways() -> None:
    for name in ("README.md", "README.fr.md"):
        lines = (BASE_DIR / name).read_text().splitlines()

        assert len(lines) < 150
        assert [line for line in lines if len(line) > 120] == []
