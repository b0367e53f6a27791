"""Run the commands of the documents in a clone that runs like `make run`, and compare their output."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.paths import BASE_DIR
from core.testing import clone, documents
from core.testing.clone import Clone
from core.testing.documents import Outcome, Step

# In reading order: the README registers jane, and the other documents use her account.
DOCUMENTS = (
    "README.md",
    "docs/getting-started.md",
    "docs/front-end.md",
    "docs/integration.md",
    "docs/operations.md",
)
STEPS = {name: documents.steps((BASE_DIR / name).read_text()) for name in DOCUMENTS}


@pytest.fixture
def clone_with_keys(tmp_path: Path) -> Iterator[Clone]:
    made = clone.make(tmp_path, JWT_PRIVATE_KEYS=str(tmp_path / "keys"))
    command: list[str | Path] = ["manage.py", "rotate_keys", "--directory", tmp_path / "keys"]
    subprocess.run(command, cwd=made.folder, env=made.environment, check=True, capture_output=True)
    with clone.running(made):
        yield made


@pytest.mark.timeout(300)
@pytest.mark.skipif(os.environ.get("TEST_DB") == "postgresql", reason="the clone uses SQLite, so once is enough")
def test_commands_of_the_documents_print_what_they_show(clone_with_keys: Clone) -> None:
    for name, steps in STEPS.items():
        outcome = documents.run(steps, clone_with_keys)

        assert outcome.code == 0, (
            f"{name}, line {steps[len(outcome.printed) - 1].line}:\n{outcome.printed[-1]}{outcome.errors}"
        )
        assert "\n".join(documents.differences(steps, outcome)) == "", name
        if name == "README.md":
            assert '"accessToken":' in outcome.printed[-1]
        if name == "docs/getting-started.md":
            assert_logout_ended_the_session(outcome)


def assert_logout_ended_the_session(outcome: Outcome) -> None:
    """The last lines are the responses of /me, /refresh, /logout and /me."""
    *_others, before, _refresh, _logout, after = outcome.printed[-1].splitlines()

    assert '"username":"jane"' in before
    assert '"code":"session_revoked"' in after


def test_blocks_are_parsed_with_their_output() -> None:
    text = "<!-- not run: no -->\n```sh\nfalse\n```\n\n   ```sh\n   echo a b\n   ```\n   ```text\n   a …\n   ```\n"

    assert documents.steps(text) == [Step(6, "echo a b\n", "a …\n")]


@pytest.mark.parametrize(("printed", "differ"), [("a b", 0), ("b a", 1), ("a b\nmore", 1)])
def test_output_is_compared_completely(printed: str, differ: int) -> None:
    outcome = Outcome(0, [printed], "")

    assert len(list(documents.differences([Step(1, "", "a …\n")], outcome))) == differ


@pytest.mark.parametrize(("name", "minimum"), list(zip(DOCUMENTS, (1, 1, 4, 9, 12), strict=True)))
def test_each_document_has_commands(name: str, minimum: int) -> None:
    assert len(STEPS[name]) >= minimum
