"""A new epoch: everybody's keys wrapped again under another key, while everything serves."""

import os
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final
from uuid import UUID

from infra.epochs import renew
from infra.keyring import EpochKeys, Keyring
from infra.postgres import KEEPER, OWNER, Connection, connect
from tests.bench.ground import Ground
from tests.bench.measure import Figure, Measure, Side, in_turn

ROUNDS: Final = 3

_MILLION: Final = 1_000_000
_INSERT: Final = "copy keeper.person_key (identity, epoch, wrapped) from stdin (format binary)"
_TYPES: Final = ("uuid", "int4", "bytea")


class Unwrapped:
    """Epochs without keys: what is wrapped under one is as it was."""

    def __init__(self) -> None:
        self.secret = bytes(32)
        self.held = {1}
        self.by_vault = False

    @property
    def current(self) -> int:
        return max(self.held)

    def wrap(self, key: bytes, _context: bytes) -> tuple[int, bytes]:
        return self.current, key

    def unwrap(self, _epoch: int, wrapped: bytes, _context: bytes) -> bytes:
        return wrapped

    def look_again(self) -> None:
        """Nobody else begins or ends one."""

    def begin(self, epoch: int) -> None:
        self.held = {*self.held, epoch}

    def end(self, before: int) -> None:
        self.held = {epoch for epoch in self.held if epoch >= before}


def run(ground: Ground) -> list[Figure]:
    persons = ground.size(ground.sizes.persons, 300)
    ours, against = in_turn(
        _renew(ground, Keyring.open(ground.folder / "epochs" / "keyring.json"), persons),
        _renew(ground, Unwrapped(), persons),
        rounds=ground.size(ROUNDS, 1),
        warm_up=True,
    )
    about = f"a new epoch for {persons:,} persons: each one's key read, wrapped anew, written"
    other = "reading the same rows and writing them again, in the same portions, without wrapping"
    return [
        Figure(
            name="epoch-keys", about=about, unit="keys/s", ours=ours, against=against, other=other
        ),
        Figure(
            name="epoch-million",
            about="how long that takes for a million",
            unit="s",
            ours=_for_a_million(ours),
            against=_for_a_million(against),
            other=other,
        ),
    ]


def _for_a_million(rates: Side) -> Side:
    return Side(tuple(_MILLION / rate for rate in rates.rounds))


def _renew(ground: Ground, keyring: EpochKeys, persons: int) -> Callable[[int], float]:
    url = ground.database()
    ground.say(f"keys of {persons:,} persons")
    with closing(connect(url, KEEPER)) as connection:
        _fill(connection, keyring, persons)

    def side(_number: int) -> float:
        with closing(connect(url, OWNER)) as owner:
            owner.execute("vacuum analyze keeper.person_key")
        began = time.perf_counter()
        done = renew(url, keyring)
        took = time.perf_counter() - began
        assert done is not None
        assert done.keys == persons
        return persons / took

    return side


def _fill(connection: Connection, keyring: EpochKeys, persons: int) -> None:
    with connection.cursor().copy(_INSERT) as copy:
        copy.set_types(_TYPES)
        for _ in range(persons):
            identity = UUID(bytes=os.urandom(16))
            copy.write_row((identity, *keyring.wrap(os.urandom(32), identity.bytes)))


MEASURE: Final = Measure(
    "epoch", "wrapping everybody's keys anew, against writing them anew unwrapped", run, 1
)
