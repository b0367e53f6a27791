"""The French catalogue: whole, sound, compiled, and level with what the code says."""

import ast
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

from core.paths import BASE_DIR

FRENCH = BASE_DIR / "locale/fr/LC_MESSAGES/django.po"
PACKAGES = ("accounts", "config", "core", "sessions_tracking")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
A_STRING = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
SAID_IN_TEMPLATE = re.compile(rf"\b(?:_|n?gettext|pgettext)\((?:(?<=pgettext\()u?'[^']*', )?u?{A_STRING}")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with FRENCH.open("rb") as file:
        return read_po(file)


def messages_of(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def forms(text: str | list[str] | tuple[str, ...] | None) -> list[str]:
    """Singular and plural, or the one text there is."""
    return list(text) if isinstance(text, list | tuple) else [text or ""]


def test_every_message_is_translated_and_nothing_is_a_guess(catalogue: Catalog) -> None:
    assert messages_of(catalogue)
    assert [message.id for message in messages_of(catalogue) if message.fuzzy or not all(forms(message.string))] == []


def test_a_translation_holds_the_placeholders_of_its_message(catalogue: Catalog) -> None:
    for message in messages_of(catalogue):
        wanted = sorted(PLACEHOLDER.findall(forms(message.id)[-1]))

        for form in forms(message.string):
            assert sorted(PLACEHOLDER.findall(form)) == wanted, form


def test_french_has_its_own_apostrophes_and_spaces(catalogue: Catalog) -> None:
    """No line may begin with a colon or a question mark."""
    for message in messages_of(catalogue):
        for form in forms(message.string):
            assert not re.search(r"'| [;:!?»]|« |[^\W\d_][;:!?](?!\S)", form), form


def test_the_compiled_catalogue_is_that_of_the_source(catalogue: Catalog) -> None:
    fresh = BytesIO()
    write_mo(fresh, catalogue)
    fresh.seek(0)

    with FRENCH.with_suffix(".mo").open("rb") as compiled:
        assert _strings(read_mo(compiled)) == _strings(read_mo(fresh))


def _strings(catalogue: Catalog) -> dict[object, object]:
    return {(message.context, *forms(message.id)): message.string for message in messages_of(catalogue)}


def test_the_catalogue_has_what_the_code_says_and_nothing_else(catalogue: Catalog) -> None:
    """Where this fails: `manage.py makemessages -l fr`, translate, `manage.py compilemessages`."""
    known = {forms(message.id)[0] for message in messages_of(catalogue)}
    said = {text for path in _sources() for text in _said_in_python(path)}
    said |= {text for path in _templates() for text in _said_in_template(path)}

    assert said - known == set()
    assert known - said == set()


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in (BASE_DIR / package).rglob("*.py"):
            if not {"tests", "migrations"} & set(path.parts):
                yield path


def _templates() -> Iterator[Path]:
    folders = [BASE_DIR / "templates", *(BASE_DIR / "accounts").glob("*/templates")]
    return (path for folder in folders for path in folder.rglob("*") if path.is_file())


def _said_in_python(path: Path) -> Iterator[str]:
    """The literal that each call of gettext and its like is given first, under whatever name the module imports them."""
    tree = ast.parse(path.read_text())
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if "gettext" in alias.name
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield str(ast.literal_eval(node.args[0]))


def _said_in_template(path: Path) -> Iterator[str]:
    """By way of the calls of gettext that Django itself makes of a template for the extraction."""
    for found in SAID_IN_TEMPLATE.finditer(templatize(path.read_text())):
        yield str(ast.literal_eval(found[1]))
