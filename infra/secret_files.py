"""Files of secrets: their owner's alone from the first byte, durable, whole or not there, wiped."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

_DRAFT: Final = re.compile(r"\.\d+\.[0-9a-f]{8}")
_WIPED: Final = 1 << 20


@contextmanager
def created(file: Path) -> Iterator[BinaryIO]:
    """Give a new file to write; its content is durable once the block has ended well.

    Raises FileExistsError.
    """
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def make(file: Path, content: bytes) -> None:
    """Write a file where there is none. Raises FileExistsError when another was first."""
    draft = _draft_of(file)
    try:
        with created(draft) as out:
            out.write(content)
        os.link(draft, file)
        _sync(file.parent)
    finally:
        wipe(draft)


def replace(file: Path, content: bytes) -> None:
    """Write a file; one that stood there is wiped, and keeps its owner and its place behind a link.

    Drafts of those that were killed are wiped too.
    """
    file = file.resolve()
    for left in file.parent.glob(f"{file.name}.*"):
        if _DRAFT.fullmatch(left.name.removeprefix(file.name)):
            wipe(left)
    draft = _draft_of(file)
    try:
        with created(draft) as out:
            out.write(content)
            _keep_owner(out, file)
        put(draft, file)
    finally:
        wipe(draft)


def put(draft: Path, file: Path) -> None:
    """Put a draft in a file's place, durably, and wipe what stood there."""
    with file.open("r+b") if file.exists() else nullcontext() as old:
        draft.replace(file)
        _sync(file.parent)
        if old is not None:
            _wipe(old)


def wipe(file: Path) -> None:
    """Remove a file, if there is one, and what it held."""
    if file.exists():
        with file.open("r+b") as old:
            file.unlink()
            _wipe(old)


def _draft_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")


def _keep_owner(out: BinaryIO, file: Path) -> None:
    if file.exists():
        was = file.stat()
        if (was.st_uid, was.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(out.fileno(), was.st_uid, was.st_gid)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wipe(old: BinaryIO) -> None:
    if os.fstat(old.fileno()).st_nlink:
        return  # it is somebody's copy, by another name
    left = os.fstat(old.fileno()).st_size
    while left > 0:
        left -= old.write(bytes(min(left, _WIPED)))
    old.flush()
    os.fsync(old.fileno())
