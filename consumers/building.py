"""A process that builds a part of a view. It imports little, since it is made anew each time."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from infra.event_store import LogReader
from infra.holders import keeper_pool
from infra.keyring import Keyring
from infra.postgres import VIEWS, Connection, connect
from infra.sealing import PersonKeys
from infra.vault import Command
from projections import catalogue
from projections.runtime.build import Builder, Part

_TOLD: Final = 10_000
"""Facts after which it is told how far a part has come."""


_KEYS: Final = 100_000
_CIPHERS: Final = 40_000
"""More than elsewhere: a log is read from end to end, and everybody comes again and again."""


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Where the log is, and the views, the keyring that opens them, and what opens that."""

    log_url: str
    views_url: str
    keyring_file: Path
    vault: Command | None = None


class Tools(msgspec.Struct, frozen=True):
    """What a process that builds or compares stands on."""

    sealer: PersonKeys
    reader: LogReader
    views_url: str

    def open(self) -> Connection:
        return connect(self.views_url, VIEWS)


@contextmanager
def opened(where: Where) -> Iterator[Tools]:
    """Open the log and its keys."""
    with ExitStack() as stack:
        keyring = Keyring.open(where.keyring_file, where.vault)
        keys = stack.enter_context(keeper_pool(where.log_url, keyring, size=2))
        sealer = PersonKeys(keys, keyring, cached=_KEYS, ciphers=_CIPHERS)
        reader = stack.enter_context(closing(LogReader(where.log_url, sealer, pool_size=2)))
        yield Tools(sealer, reader, where.views_url)


def build_part(where: Where, part: Part) -> bytes:
    """Build one part; what it has done is told in `views.rebuild`."""
    view = catalogue.VIEWS[part.generation.view]
    with opened(where) as use, use.open() as connection:
        untold = 0

        def told(facts: int) -> None:
            nonlocal untold
            untold += facts
            if untold >= _TOLD:
                tell()

        def tell() -> None:
            nonlocal untold
            connection.execute(
                "update views.rebuild set facts = facts + %s, changed_at = clock_timestamp() "
                "where view = %s",
                (untold, view.name),
            )
            untold = 0

        shared = Builder(connection, view, use.sealer, use.reader, told).build(part)
        tell()
        return shared
