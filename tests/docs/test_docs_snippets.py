"""The snippets of JavaScript in the documents are cut from the example, and the example is translated completely."""

import json
import re
import textwrap
from html.parser import HTMLParser

import pytest

from core.paths import BASE_DIR

EXAMPLE = BASE_DIR / "docs" / "examples" / "spa"
_BLOCK = re.compile(r"^ *```js\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_STRING = r'"((?:[^"\\]|\\.)*)"'


def _snippets() -> list[tuple[str, str]]:
    """Return the file and the code of each block of the page. Its first line names the file."""
    blocks = _BLOCK.findall((BASE_DIR / "docs" / "front-end.md").read_text())
    lines = [textwrap.dedent(block).split("\n", 1) for block in blocks]
    return [(first.removeprefix("// "), rest) for first, rest in lines]


def _unindented(code: str) -> list[str]:
    return [line.strip() for line in code.strip().splitlines()]


@pytest.mark.parametrize(("file", "code"), _snippets())
def test_a_snippet_is_in_the_example(file: str, code: str) -> None:
    lines, wanted = _unindented((EXAMPLE / file).read_text()), _unindented(code)

    assert any(lines[start : start + len(wanted)] == wanted for start in range(len(lines)))


def test_the_page_has_snippets_of_each_topic() -> None:
    assert {"session.js", "step-up.js", "passkeys.js", "views/email.js"} <= {file for file, _code in _snippets()}


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skipped += tag in {"noscript", "title"}
        self.texts |= {
            value for name, value in attrs if name in {"alt", "aria-label", "placeholder", "title"} and value
        }

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in {"noscript", "title"}

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and not self._skipped:
            self.texts.add(text)


def _texts_of_the_example() -> set[str]:
    parser = _Texts()
    parser.feed((EXAMPLE / "index.html").read_text())
    modules = [path.read_text() for path in EXAMPLE.rglob("*.js") if path.parent.name != "languages"]
    return parser.texts | {text for module in modules for text in re.findall(rf"\bt\(\s*{_STRING}", module)}


def _dictionary(language: str) -> dict[str, str]:
    source = (EXAMPLE / "languages" / f"{language}.js").read_text()
    entries = re.findall(rf"^  (?:{_STRING}|(\w+)):\s+{_STRING},$", source, re.MULTILINE)
    return {quoted or name: json.loads(f'"{text}"') for quoted, name, text in entries}


def test_each_text_of_the_example_is_in_the_french_dictionary_and_no_other() -> None:
    assert set(_dictionary("fr")) == _texts_of_the_example()


def test_translations_keep_the_placeholders() -> None:
    for english, french in _dictionary("fr").items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", french)), english
