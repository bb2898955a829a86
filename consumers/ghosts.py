"""Holds API keys against their facts: which nobody issued, and which may what nobody gave them."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

import msgspec
import psycopg

from domain.key.standing import UNKNOWN, Rights, Standing, standing_of
from domain.shared.events import Event, UnknownFact, decode
from infra.key_making import told_since
from infra.keys import Key, all_keys
from infra.postgres import WRITER, Connection, connect

_HELD: Final = "select from log.api_key for share"
"""Whoever changes a key locks it before they tell of it: so no change is under way meanwhile."""
_FACTS: Final = """
select f.stream, f.type, f.type_version, f.body from log.api_key k
join log.fact f on f.stream = k.id and f.type not like 'activity.%'
order by f.stream, f.version
"""
_FIELDS: Final = tuple(f.name for f in msgspec.structs.fields(Rights))


class Ghost(msgspec.Struct, frozen=True):
    """A key that is not as its facts say, and why."""

    id: str
    name: str
    why: str

    def __str__(self) -> str:
        return f"key {self.name} ({self.id}): {self.why}"


class Held(msgspec.Struct, frozen=True):
    """How many keys were held against their facts, and how many were made before there were any.

    `ghosts`: those that are not as their facts say.
    """

    keys: int
    before: int
    ghosts: list[Ghost]

    def __str__(self) -> str:
        told = self.keys - self.before
        does = "key may do what its facts say" if told == 1 else "keys may do what their facts say"
        before = f"; {self.before:,} from before they were facts" if self.before else ""
        return f"{told:,} {does}, and no more{before}."


def hold(connection: Connection) -> Held:
    """Hold all keys against their facts."""
    with connection.transaction():
        connection.execute(_HELD)
        keys = all_keys(connection)
        told: dict[object, list[Event] | None] = {}
        for stream, type_, version, body in connection.execute(_FACTS):
            try:
                event = decode(type_, version, bytes(body), stream, None, None)
            except (UnknownFact, msgspec.DecodeError):
                told[stream] = None
            else:
                events = told.setdefault(stream, [])
                if events is not None:
                    events.append(event)
        since = told_since(connection)
    before = [key for key in keys if key.created_at < since and key.id not in told]
    return Held(len(keys), len(before), list(_found([k for k in keys if k not in before], told)))


def of_keys(url: str) -> Iterator[tuple[str, str | None]]:
    """Say which keys are not as their facts say, and what to do about it."""
    try:
        with closing(connect(url, WRITER)) as connection:
            held = hold(connection)
    except psycopg.Error:
        return  # what the log's own findings tell
    if not held.ghosts:
        yield str(held).rstrip("."), None
    for ghost in held.ghosts:
        yield f"{ghost.name}: {ghost.why}", f"`huike keys revoke {ghost.id}`, and make another"


def _found(keys: list[Key], told: dict[object, list[Event] | None]) -> Iterator[Ghost]:
    for key in keys:
        events = told.get(key.id, [])
        why = "a fact of it cannot be read" if events is None else _why(key, standing_of(events))
        if why is not None:
            yield Ghost(str(key.id), key.name, why)


def _why(key: Key, by_facts: Standing) -> str | None:
    if by_facts.revoked:
        return None if key.revoked_at is not None else "its facts say that it was revoked"
    if by_facts == UNKNOWN:
        return "no fact issued it"
    wrong = [name for name in _FIELDS if getattr(key, name) != getattr(by_facts.rights, name)]
    if not wrong:
        return None
    return "; ".join(
        f"{name} is {_told(getattr(key, name))}, by its facts "
        f"{_told(getattr(by_facts.rights, name))}"
        for name in wrong
    )


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return "none" if value is None else str(value)
