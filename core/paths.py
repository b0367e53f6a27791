"""Where the files of a development machine live: the project, its `var/`, and the socket of its Redis."""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

BASE_DIR = Path(__file__).resolve().parents[1]


def refusal(folder: Path) -> str | None:
    """Why the project cannot run in this folder; None if it can. `bootstrap.sh` checks the virtual environment's folder."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        return "The path of this folder is not UTF-8; Vestibule cannot run here. Rename the folder or move the project."
    if "\n" in str(folder) or "\r" in str(folder):
        return "The path of this folder holds a line break; Vestibule cannot run here. Rename the folder or move the project."
    return None


# The kernel takes 107 bytes on Linux and 103 on macOS.
_LONGEST_SOCKET_PATH = 100
_LONGEST_SOCKET_ROOT = 60


def var_dir() -> Path:
    """What the project keeps between two runs: database, Redis data, mailbox, secrets of development."""
    folder = BASE_DIR / "var"
    folder.mkdir(mode=0o700, exist_ok=True)
    with suppress(PermissionError):  # another user's; what may be read in it is for them to say
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    return folder


def redis_socket() -> Path:
    """The socket of this checkout's Redis, the same for each process that asks."""
    path = var_dir() / "redis.sock"
    if fits_socket(path):
        return path
    digest = hashlib.sha256(os.fsencode(BASE_DIR)).hexdigest()[:16]
    return private_folder(socket_root() / f"vestibule-{digest}") / "redis.sock"


def fits_socket(path: Path) -> bool:
    return len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH


def socket_root() -> Path:
    """A temporary folder whose path leaves room for a socket: TMPDIR, unless that is deep itself."""
    folder = Path(tempfile.gettempdir())
    return folder if len(os.fsencode(folder)) <= _LONGEST_SOCKET_ROOT else Path("/tmp")  # noqa: S108 - made private below


def url_path(path: str | Path) -> str:
    """A path as it is written into a URL. Without this, `#` or `?` ends the path, and `%2F` or `+` becomes another one."""
    return quote(os.fsencode(path))


def create_private(file: Path) -> None:
    """An empty file that its owner alone may read, whatever the umask; nothing where it exists or cannot be made."""
    with suppress(OSError):
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.fchmod(descriptor, 0o600)  # a umask may also take away from the owner
        os.close(descriptor)


def private_folder(folder: Path) -> Path:
    """A folder of a shared place may have been put there by somebody else, to listen in our stead."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RuntimeError(f"{folder} is not a private folder of this user; remove it.")
    return folder
