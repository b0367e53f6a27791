"""Where the files of a development machine live: the project, its `var/`, and the socket of its Redis."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[2]

# The kernel takes 107 bytes on Linux and 103 on macOS.
_LONGEST_SOCKET_PATH = 100


def var_dir() -> Path:
    """What the project keeps between two runs: database, Redis data, mailbox, secrets of development."""
    folder = BASE_DIR / "var"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def redis_socket() -> Path:
    """The socket of this checkout's Redis, the same for each process that asks."""
    path = var_dir() / "redis.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(BASE_DIR)).hexdigest()[:16]
    return private_folder(Path(tempfile.gettempdir()) / f"vestibule-{digest}") / "redis.sock"


def private_folder(folder: Path) -> Path:
    """A folder of a shared place may have been put there by somebody else, to listen in our stead."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RuntimeError(f"{folder} is not a private folder of this user; remove it.")
    return folder
