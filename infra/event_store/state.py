"""What the log must know to record a batch: streams, identities and keys already used."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from domain.shared.log import Append
from infra.postgres import Connection


class StreamState:
    """A stream as it stands: its version, whose it is, and the digest of a message's content."""

    __slots__ = ("content", "origin", "version")

    def __init__(self, version: int, origin: UUID | None, content: bytes | None) -> None:
        self.version = version
        self.origin = origin
        self.content = content


class State:
    """What was read of the log, as of the batch that ended at `head`."""

    __slots__ = ("answers", "head", "members", "redirects", "streams")

    def __init__(self) -> None:
        self.head = -1
        self.streams: dict[UUID, StreamState] = {}
        self.redirects: dict[UUID, UUID] = {}
        self.members: dict[UUID, UUID] = {}
        self.answers: dict[bytes, tuple[bytes, int | None, bytes]] = {}


_HEAD: Final = "select coalesce(max(position), 0) from log.batch"
_STREAMS: Final = "select id, version, origin, content from log.stream where id = any(%s)"
_REDIRECTS: Final = (
    "select anonymous, identity from log.redirect where anonymous = any(%s) and until is null"
)
_MEMBERS: Final = (
    "select identity, customer from log.membership where identity = any(%s) and until is null"
)
_ANSWERS: Final = "select key, request, position, answer from log.idempotency where key = any(%s)"


def read_state(connection: Connection, appends: Iterable[Append]) -> State:
    """Read all that these appends touch, in two round trips at most.

    The head is read first: if it is still the head under the lock, the rest still holds.
    """
    streams: set[UUID] = set()
    anonymous: set[UUID] = set()
    identities: set[UUID] = set()
    keys: list[bytes] = []
    for append in appends:
        if append.message is not None:
            streams.add(append.message.id)
        if append.expected:
            streams.update(append.expected)
        if append.idempotency is not None:
            keys.append(append.idempotency.key)
        if append.recognition is not None:
            anonymous.add(append.recognition.visitor)
            identities.update((append.recognition.visitor, append.recognition.user))
        for draft in append.facts:
            if draft.stream is not None:
                streams.add(draft.stream)
            if draft.who is not None:
                if draft.who.user is not None:
                    identities.add(draft.who.user)
                if draft.who.anonymous is not None:
                    anonymous.add(draft.who.anonymous)
    identities |= anonymous
    state = State()
    # a customer's own stream is its origin's: any identity that is named may be written to
    wanted = streams | identities
    cursors: dict[str, Any] = {}
    with connection.pipeline():
        cursors["head"] = connection.execute(_HEAD)
        for name, query, values in (
            ("streams", _STREAMS, wanted),
            ("redirects", _REDIRECTS, anonymous),
            ("members", _MEMBERS, identities),
            ("answers", _ANSWERS, keys),
        ):
            if values:
                cursors[name] = connection.execute(query, (list(values),), binary=True)
    state.head = cursors["head"].fetchone()[0]
    _take(state, cursors)
    further = {s.origin for s in state.streams.values() if s.origin is not None}
    further |= set(state.redirects.values())
    further -= identities
    if further:
        with connection.pipeline():
            cursors = {
                "members": connection.execute(_MEMBERS, (list(further),), binary=True),
                "streams": connection.execute(_STREAMS, (list(further - wanted),), binary=True),
            }
        _take(state, cursors)
    return state


def _take(state: State, cursors: dict[str, Any]) -> None:
    for id_, version, origin, content in cursors["streams"] if "streams" in cursors else ():
        state.streams[id_] = StreamState(version, origin, content)
    for anonymous, identity in cursors["redirects"] if "redirects" in cursors else ():
        state.redirects[anonymous] = identity
    for identity, customer in cursors["members"] if "members" in cursors else ():
        state.members[identity] = customer
    for key, request, position, answer in cursors["answers"] if "answers" in cursors else ():
        state.answers[key] = (request, position, answer)
