"""What the log must know to record a batch: streams, identities and keys already used."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from domain.shared.log import Append, Heard
from infra.arrays import uuids
from infra.event_store.reader import LOCK
from infra.postgres import Connection


class StreamState:
    """A stream as it stands: its version, whose it is, and the digest of a message's content."""

    __slots__ = ("content", "origin", "version")

    def __init__(self, version: int, origin: UUID | None, content: bytes | None) -> None:
        self.version = version
        self.origin = origin
        self.content = content


class State:
    """What was read of the log, as it stands while nobody else writes.

    Streams and identities stand by their numbers (`UUID.int`): hashing a UUID takes far longer.
    """

    __slots__ = ("answers", "followers", "members", "redirects", "since", "streams")

    def __init__(self) -> None:
        self.streams: dict[int, StreamState] = {}
        self.redirects: dict[int, UUID] = {}
        self.members: dict[int, UUID] = {}
        self.followers: dict[int, list[UUID]] = {}
        """Who follows a visitor that is to be recognised: orders that were nobody's before."""
        self.answers: dict[bytes, tuple[bytes, int | None, bytes]] = {}
        self.since: dict[int, int] = {}
        """The last fact of an identity that is news to one who listened to it."""


_LOCK: Final = f"select pg_advisory_xact_lock({LOCK})"
_LAST: Final = (
    "select coalesce(max(position), 0), clock_timestamp(), "
    "(array_agg(recorded_at))[1], (array_agg(chain))[1] "
    "from (select * from log.batch order by position desc limit 1) last"
)
_QUERIES: Final = {
    "streams": "select id, version, origin, content from log.stream where id = any(%s)",
    "redirects": "select anonymous, identity from log.redirect "
    "where anonymous = any(%s) and until is null",
    "members": "select identity, customer from log.membership "
    "where identity = any(%s) and until is null",
    "followers": "select customer, identity from log.membership "
    "where customer = any(%s) and until is null order by since",
    "answers": "select key, request, position, answer from log.idempotency where key = any(%s)",
}


_SINCE: Final = (
    "select origin, max(position) from log.fact where origin = any(%s) and position > %s "
    "and type not like 'activity.%%' group by origin"
)


class _Touched:
    """What a batch of appends touches."""

    def __init__(self, appends: Iterable[Append]) -> None:
        self.streams: set[int] = set()
        self.anonymous: set[int] = set()
        self.recognised: set[int] = set()
        self.identities: set[int] = set()
        self.keys: list[bytes] = []
        self.heard: set[int] = set()
        self.heard_upto = 0
        for append in appends:
            self._take(append)
            if append.heard is not None:
                self._hear(append.heard)
        self.identities |= self.anonymous

    def _take(self, append: Append) -> None:
        if append.message is not None:
            self.streams.add(append.message.id.int)
        if append.expected:
            self.streams.update(stream.int for stream in append.expected)
        if append.idempotency is not None:
            self.keys.append(append.idempotency.key)
        if append.recognition is not None:
            self.anonymous.add(append.recognition.visitor.int)
            self.recognised.add(append.recognition.visitor.int)
            self.identities.add(append.recognition.user.int)
        seen = None
        for draft in append.facts:
            if draft.stream is not None:
                self.streams.add(draft.stream.int)
            who = draft.who
            if who is not None and who is not seen:  # facts of one append share it
                seen = who
                if who.user is not None:
                    self.identities.add(who.user.int)
                if who.anonymous is not None:
                    self.anonymous.add(who.anonymous.int)

    def _hear(self, heard: Heard) -> None:
        self.heard_upto = min(self.heard_upto, heard.upto) if self.heard else heard.upto
        self.heard.update(origin.int for origin in heard.origins)


class Last(NamedTuple):
    """The batch that the log ends with: position 0 and no others when there is none."""

    position: int
    now: datetime
    recorded_at: datetime | None
    chain: bytes | None


def begin(connection: Connection, appends: Iterable[Append]) -> tuple[Last, State]:
    """Begin a transaction, take the lock, and read where the log ends and what appends touch.

    Each statement sees what was committed before it: so all of it holds as long as the lock does.
    """
    touched = _Touched(appends)
    with connection.pipeline():
        connection.execute("begin")
        connection.execute(_LOCK)
        last = connection.execute(_LAST, binary=True)
        cursors = _ask_first(connection, touched)
    row = last.fetchone()
    assert row is not None
    return Last(*row), _state(connection, touched, cursors)


def was_made(connection: Connection, position: int, token: UUID) -> bool:
    """Tell whether a batch was committed after all, though its answer was lost.

    With the lock: a server that has lost us may still be committing it, and holds the lock until
    that is done.
    """
    with connection.transaction():
        connection.execute(_LOCK)
        found = connection.execute(
            "select from log.batch where position = %s and token = %s", (position, token)
        )
        return found.rowcount > 0


def read_state(connection: Connection, appends: Iterable[Append]) -> State:
    """Read all that these appends touch, in two round trips at most."""
    touched = _Touched(appends)
    with connection.pipeline():
        cursors = _ask_first(connection, touched)
    return _state(connection, touched, cursors)


def _ask_first(connection: Connection, touched: _Touched) -> dict[str, Iterable[Any]]:
    cursors = _ask(
        connection,
        # a customer's own stream is its origin's: any identity that is named may be written to
        streams=touched.streams | touched.identities,
        redirects=touched.anonymous,
        members=touched.identities,
        followers=touched.recognised,
        answers=touched.keys,
    )
    if touched.heard:
        asked = (uuids(touched.heard), touched.heard_upto)
        cursors["since"] = connection.execute(_SINCE, asked, binary=True)
    return cursors


def _state(
    connection: Connection, touched: _Touched, cursors: Mapping[str, Iterable[Any]]
) -> State:
    state = State()
    _take(state, cursors)
    further = {s.origin.int for s in state.streams.values() if s.origin is not None}
    further |= {identity.int for identity in state.redirects.values()}
    further -= touched.identities
    if further:
        with connection.pipeline():
            cursors = _ask(connection, members=further, streams=further - touched.streams)
        _take(state, cursors)
    return state


def _ask(connection: Connection, **wanted: Collection[Any]) -> dict[str, Iterable[Any]]:
    return {
        name: connection.execute(
            _QUERIES[name], (list(values) if name == "answers" else uuids(values),), binary=True
        )
        for name, values in wanted.items()
        if values
    }


def _take(state: State, cursors: Mapping[str, Iterable[Any]]) -> None:
    for id_, version, origin, content in cursors.get("streams", ()):
        state.streams[id_.int] = StreamState(version, origin, content)
    for anonymous, identity in cursors.get("redirects", ()):
        state.redirects[anonymous.int] = identity
    for identity, customer in cursors.get("members", ()):
        state.members[identity.int] = customer
    for customer, identity in cursors.get("followers", ()):
        state.followers.setdefault(customer.int, []).append(identity)
    for origin, position in cursors.get("since", ()):
        state.since[origin.int] = position
    for key, request, position, answer in cursors.get("answers", ()):
        state.answers[key] = (request, position, answer)
