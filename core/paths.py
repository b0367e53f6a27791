"""Paths of a development machine: the project, its `var/`, and the socket of its Redis."""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

BASE_DIR = Path(__file__).resolve().parents[1]


def path_problem(folder: Path) -> str | None:
    """Return why the project cannot run in this folder, or None. `bootstrap.sh` checks the virtual environment's folder."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        return "The path of this folder is not UTF-8; Vestibule cannot run here. Rename the folder or move the project."
    if "\n" in str(folder) or "\r" in str(folder):
        return "The path of this folder contains a line break; Vestibule cannot run here. Rename the folder or move the project."
    return None


# The kernel accepts 107 bytes on Linux and 103 on macOS.
_MAX_SOCKET_PATH = 100
_MAX_SOCKET_ROOT = 60


def var_dir() -> Path:
    """Return the folder for data between runs: database, Redis data, mailbox, development secrets."""
    folder = BASE_DIR / "var"
    folder.mkdir(mode=0o700, exist_ok=True)
    with suppress(PermissionError):  # the folder belongs to another user, who decides its permissions
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    return folder


def redis_socket() -> Path:
    """Return the socket of this checkout's Redis, the same in each process."""
    path = var_dir() / "redis.sock"
    if fits_socket(path):
        return path
    digest = hashlib.sha256(os.fsencode(BASE_DIR)).hexdigest()[:16]
    return private_folder(socket_root() / f"vestibule-{digest}") / "redis.sock"


def fits_socket(path: Path) -> bool:
    return len(os.fsencode(path)) <= _MAX_SOCKET_PATH


def socket_root() -> Path:
    """Return TMPDIR, or /tmp if the path of TMPDIR is too long for a socket below it."""
    folder = Path(tempfile.gettempdir())
    return folder if len(os.fsencode(folder)) <= _MAX_SOCKET_ROOT else Path("/tmp")  # noqa: S108 - made private below


def url_path(path: str | Path) -> str:
    """Percent-encode a path for a URL, in which `#` and `?` end the path, and `%2F` and `+` have other meanings."""
    return quote(os.fsencode(path))


def create_private(file: Path) -> None:
    """Create an empty file with mode 0600, unless it exists or cannot be created."""
    with suppress(OSError):
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.fchmod(descriptor, 0o600)  # the umask may also remove the owner's permissions
        os.close(descriptor)


def private_folder(folder: Path) -> Path:
    """Create a folder with mode 0700. Raise RuntimeError if another user has created it, possibly to intercept."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise RuntimeError(f"{folder} is not a private folder of this user; remove it.")
    return folder
