"""Secrets of a developer's machine: made at random and kept, so that no two clones share a key."""

import contextlib
import os
import secrets
from pathlib import Path

from core.paths import var_dir


def development_secret(name: str) -> str:
    path = var_dir() / f"dev-{name.lower().replace('_', '-')}"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        _link_unless_there(draft, path)
        draft.unlink()
    return path.read_text()


def _link_unless_there(draft: Path, path: Path) -> None:
    """Two processes that start at once agree on the secret of the first."""
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
