"""The log: what it is asked to record, and what it answers. An append is kept whole or not."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.shared.depth import EVERYTHING, Depths
from domain.shared.events import Event, Fact
from domain.shared.refusals import Conflict, Refused


class Actor(msgspec.Struct, frozen=True):
    """Who says so. `kind` is key, person, process or system; names are reused, ids are not."""

    kind: str
    id: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, through which shop's channel, and because of what.

    `anywhere`: may also ask about what is another shop's; its facts are then that shop's.
    """

    actor: Actor
    shop: str
    source: str
    correlation: str = ""
    causation: UUID | None = None
    anywhere: bool = False


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a fact is, by the identities that were given; the log finds its origin and subject.

    Origin: the origin that `stream` (an order, a ticket, an assignment) already has; else `user`;
    else what `anonymous` was last recognised as, or itself; else the stream, as an identity of its
    own. Subject: the customer that the origin belongs to now.
    """

    user: UUID | None = None
    anonymous: UUID | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A fact to be. `stream` None: the stream of its origin, a customer's own.

    `who` None: nobody's (a campaign, a policy). `first`: left out unless it is the first of its
    stream. `of_another`: left out unless the stream is another customer's than the user's in `who`.
    `occurred_at` is in UTC and is brought down to the moment of recording if it is later.
    """

    event: Event
    occurred_at: datetime
    who: Who | None = None
    stream: UUID | None = None
    first: bool = False
    of_another: bool = False


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop sent: its id (one stream, recorded once, for ever) and its whole content.

    `content` is the keyed digest of what it says without transport fields: the same id with another
    content is refused. `original` is kept sealed beside the facts; empty: nobody's, kept nowhere.
    """

    id: UUID
    content: bytes
    original: bytes


class Recognition(msgspec.Struct, frozen=True, kw_only=True):
    """The shop says that this visitor (an anonymous identity) is this user."""

    visitor: UUID
    user: UUID
    occurred_at: datetime


class Idempotency(msgspec.Struct, frozen=True, kw_only=True):
    """A command's key, digest of its request, and the answer to give again."""

    key: bytes
    request: bytes
    answer: bytes


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """Up to which position somebody listened to what is told of these identities.

    Behaviour (`activity.*`) is not listened to: nobody decides on it.
    """

    origins: tuple[UUID, ...]
    upto: int


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """Facts to record together. `expected`: versions that streams must have (0: none yet).

    `heard`: nothing else may have been told of them since. `goes_on`: it is somebody's who was
    forgotten, and refused (KeyForgotten) where it would begin a stream beside the message's own.
    """

    facts: tuple[Draft, ...]
    actor: Actor
    shop: str
    source: str
    correlation: str = ""
    causation: UUID | None = None
    message: Message | None = None
    recognition: Recognition | None = None
    expected: dict[UUID, int] | None = None
    heard: Heard | None = None
    idempotency: Idempotency | None = None
    goes_on: bool = False


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an append: the position of its last fact, None when nothing was news."""

    position: int | None
    recorded: int
    duplicate: bool = False
    answer: bytes | None = None


class StreamMoved(Conflict):
    """Somebody else recorded a fact of this meanwhile; look again and decide anew."""


class HeardSince(Conflict):
    """Something was told of this person meanwhile; look again and decide anew."""


class OtherContent(Refused):
    """A message with this messageId was recorded before, with another content."""


class OtherRequest(Refused):
    """The Idempotency-Key was used before, for another request."""


class LogUnavailable(Refused):
    """The log cannot be written just now; nothing was recorded, try again in a moment."""


class LogLost(LogUnavailable):
    """The log was lost while writing this, and may hold it: ask again with the same key or id."""


class LogFull(LogUnavailable):
    """The disk of the log is full; nothing was recorded, try again when there is room."""


class Log(Protocol):
    """The one place where facts are kept."""

    def submit(self, append: Append) -> "Future[Receipt]":
        """Queue an append; many are committed together.

        The future raises StreamMoved, HeardSince, OtherContent, OtherRequest, ValueError for facts
        that cannot be encoded, or LogUnavailable; then nothing of this append was recorded. After
        LogLost nobody can say.
        """

    def append(self, append: Append) -> Receipt:
        """Record and wait until it is durable. Raises what `submit` says."""

    def stream(self, stream: UUID) -> Sequence[Fact]:
        """Return a stream's facts by version, personal fields opened."""

    def streams(self, streams: Sequence[UUID]) -> Mapping[UUID, Sequence[Fact]]:
        """Return the facts of many streams, as `stream`; one without facts is left out."""

    def customer_of(self, identity: UUID) -> UUID:
        """Return the customer that an identity belongs to now."""

    def shop_of(self, identity: UUID) -> str | None:
        """Return the shop of the first fact that began with an identity; None without any."""

    def forgotten(self, identities: Collection[UUID]) -> set[UUID]:
        """Return those who were forgotten: whose keys are destroyed."""

    def answered(self, key: bytes, request: bytes) -> Receipt | None:
        """Return what was answered under this Idempotency-Key, if it was used.

        Raises OtherRequest when it was used for another request.
        """


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How far the log has come: its last position, and an instant before which nothing will come.

    `clock` is the recorder's time at the moment of asking: every later fact is recorded after it.
    """

    position: int
    clock: datetime


class Reader(Protocol):
    """Reads the log in order; a reader that has seen position N never later meets N-1."""

    def head(self) -> Head:
        """Return the log's head."""

    def read(self, after: int, limit: int) -> Sequence[Fact]:
        """Return the next facts in order, at most `limit`, personal fields opened."""

    def scan(
        self,
        slots: Sequence[int],
        of: int,
        *,
        upto: int,
        after: int = 0,
        depths: Depths = EVERYTHING,
    ) -> Iterator[Sequence[tuple[UUID | None, Fact]]]:
        """Yield chunks, in order, of (customer at `upto`, fact) for customers in `slots` of `of`.

        Facts of nobody come with None, whatever the slots, but for behaviour (`activity.*`), which
        concerns no view. `depths`: how deep one looks into them.
        """

    def deal(
        self,
        slots: Sequence[int],
        of: int,
        *,
        hands: int,
        upto: int,
        depths: Depths = EVERYTHING,
    ) -> Iterator[Iterator[Sequence[tuple[UUID | None, Fact]]]]:
        """Yield for each hand (`hand_of`) the chunks that a scan yields, of its customers alone.

        The log is scanned once; go through one hand before the next. Facts of nobody are in each.
        """

    def of_origins(self, origins: Sequence[UUID], *, upto: int) -> Sequence[Fact]:
        """Return, in order, the facts up to a position that began with these identities."""

    def of_nobody(self, *, upto: int) -> Sequence[Fact]:
        """Return, in order, the facts up to a position that concern no customer, nor behaviour."""

    def origins_of(self, customer: UUID, *, at: int) -> Sequence[UUID]:
        """Return the identities that were one customer's at a position, its own included."""

    def customer_of(self, identity: UUID, *, at: int | None = None) -> UUID:
        """Return the customer that an identity belonged to at a position, or belongs to now."""

    def position_at(self, instant: datetime) -> int:
        """Return the last position recorded at or before an instant, 0 when none was."""
