"""Random secrets for a developer's machine, stored below var/ so that no two clones share a key."""

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
        _link_if_missing(draft, path)
        draft.unlink()
    return path.read_text("utf-8")


def _link_if_missing(draft: Path, path: Path) -> None:
    """Let two processes that start at the same time agree on one secret."""
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
