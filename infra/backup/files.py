"""Files of a backup: written beside where they belong, and put there whole."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from infra.backup.unusable import FolderTaken, NoBackup
from infra.secret_files import created, put

DATA: Final = ".huike-data"
KEYS: Final = "huike-keys"
"""The keys file: of each backup the same name, for an older one would open whom it knew."""

_DRAFT: Final = ".huike-draft"


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
    try:
        with created(draft) as out:
            yield out
        put(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def newest(folder: Path) -> Path:
    """Return the last data file of a folder: their names begin with the time. Raises NoBackup."""
    found = sorted(folder.glob(f"*{DATA}"))
    if not found:
        raise NoBackup(folder)
    return found[-1]
