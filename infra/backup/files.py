"""Files of a backup: written beside where they belong, and put there whole."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from infra.backup.unusable import FolderTaken, NoBackup

DATA: Final = ".huike-data"
KEYS: Final = "huike-keys"
"""The keys file: of each backup the same name, for an older one would open whom it knew."""

_DRAFT: Final = ".huike-draft"
_WIPED: Final = 1 << 20


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder for one backup, and remove what killed ones left. Raises FolderTaken."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderTaken(folder) from None
        for left in folder.glob(f".*{_DRAFT}"):
            left.unlink(missing_ok=True)
        yield
    finally:
        os.close(held)


@contextmanager
def drafted(file: Path) -> Iterator[BinaryIO]:
    """Give a file to write; it stands at its place, durably, once the block has ended well.

    What stood there before is wiped. Call it within `alone`.
    """
    draft = file.with_name(f".{file.name}{_DRAFT}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        _replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def put(file: Path, content: bytes) -> None:
    """Write a small secret file, durably, where there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with drafted(file) as out:
        out.write(content)


def wipe(file: Path) -> None:
    """Remove a file, if there is one, and what it held."""
    if file.exists():
        with file.open("r+b") as old:
            file.unlink()
            _wipe(old)


def newest(folder: Path) -> Path:
    """Return the last data file of a folder: their names begin with the time. Raises NoBackup."""
    found = sorted(folder.glob(f"*{DATA}"))
    if not found:
        raise NoBackup(folder)
    return found[-1]


def _replace(draft: Path, file: Path) -> None:
    old = file.open("r+b") if file.exists() else None
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    if old is not None:
        with old:
            _wipe(old)


def _wipe(old: BinaryIO) -> None:
    if os.fstat(old.fileno()).st_nlink:
        return  # it is somebody's copy, by another name
    left = os.fstat(old.fileno()).st_size
    while left > 0:
        left -= old.write(bytes(min(left, _WIPED)))
    old.flush()
    os.fsync(old.fileno())
