"""Files of a backup, opened to be restored, and what they are to each other."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from infra.backup.key import BackupKey
from infra.backup.records import RecordReader
from infra.backup.sealed_file import SealedReader
from infra.backup.unusable import (
    NewerTables,
    OlderKeys,
    OtherFuture,
    OtherInstallation,
    OtherKind,
)
from infra.migrations import known


class Opened(msgspec.Struct, frozen=True):
    """One file of a backup, its header proved."""

    path: Path
    reader: SealedReader

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def header(self) -> Mapping[str, Any]:
        return self.reader.header

    def records(self) -> RecordReader:
        return RecordReader(self.reader, self.name)


@contextmanager
def open_file(file: Path, key: BackupKey, kind: str) -> Iterator[Opened]:
    """Open a file of a backup. Raises what `Unusable` there is, OSError."""
    with file.open("rb") as raw:
        reader = SealedReader(raw, key, file.name)
        if reader.header.get("kind") != kind:
            raise OtherKind(file.name, found=reader.header.get("kind"), wanted=kind)
        yield Opened(file, reader)


def check_known(opened: Opened) -> None:
    """Make sure that this program has the tables of a file. Raises NewerTables."""
    unknown = sorted(set(opened.header["migrations"]) - set(known()))
    if unknown:
        raise NewerTables(opened.name, migrations=", ".join(unknown))


def check_together(
    log: str, ours: Mapping[str, Any], keys: Opened, *, older_keys: bool = False
) -> None:
    """Make sure that keys open a log that is called so and stands so.

    Raises OtherInstallation, OtherFuture, OlderKeys.
    """
    theirs = keys.header
    if ours["fingerprint"] != theirs["fingerprint"]:
        raise OtherInstallation(log, keys=keys.name)
    upto = theirs["position"]
    if ours["incarnation"] != theirs["incarnation"]:
        upto = dict(theirs["ancestors"]).get(ours["incarnation"], -1)
        if upto < ours["position"]:
            raise OtherFuture(log, keys=keys.name)
    if upto < ours["position"] and not older_keys:
        raise OlderKeys(log, keys=keys.name)
