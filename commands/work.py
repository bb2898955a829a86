"""One command at work: what was asked, what is read for it, what is decided."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from domain.campaign.aggregate import Campaign
from domain.customer.aggregate import Customer
from domain.lifecycle.aggregate import LifecyclePolicy
from domain.order.aggregate import Order
from domain.shared.aggregate import Root
from domain.shared.events import Fact
from domain.shared.ids import Ids
from domain.shared.log import Draft, Log, Receipt, Who
from domain.shared.refusals import Malformed, PreconditionFailed

R = TypeVar("R", bound=Root)
C = TypeVar("C", bound="Command")

Answer = dict[str, Any] | None
"""What the asker is told besides the position, as JSON values; the addressed root's id and version
are added."""

NOBODYS: Final = (Campaign, LifecyclePolicy)
REPORTED: Final[tuple[type[Root], ...]] = (Customer, Order)
"""Told of by shops too, in whatever order it comes: the last word is the last that was said."""

THEIRS: Final = Who()
"""Whoever the stream belongs to, or the stream as an identity of its own."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks us to do; `occurred_at` if it happened earlier than now."""

    occurred_at: datetime | None = None


Handler = Callable[[Any, "Work"], Answer]
Each = Callable[[Command], tuple[Receipt, Mapping[str, Any]]]
BulkHandler = Callable[[Any, Each], Mapping[str, Any]]

HANDLERS: Final[dict[type[Command], Handler]] = {}
BULK_HANDLERS: Final[dict[type[Command], BulkHandler]] = {}


def handles(asked: type[C]) -> Callable[[Callable[[C, "Work"], Answer]], Handler]:
    """Register what is done for a command: all of its facts go into one append."""

    def register(handler: Callable[[C, "Work"], Answer]) -> Handler:
        HANDLERS[asked] = handler
        return handler

    return register


def handles_in_parts(
    asked: type[C],
) -> Callable[[Callable[[C, Each], Mapping[str, Any]]], BulkHandler]:
    """Register what is done for a command of many: it does its parts `each` in an append.

    Parts must be idempotent, so that a command cut short can be asked again.
    """

    def register(handler: Callable[[C, Each], Mapping[str, Any]]) -> BulkHandler:
        BULK_HANDLERS[asked] = handler
        return handler

    return register


class Work:
    """What one try at a command has read and decided. Every stream that was read must not move."""

    def __init__(  # noqa: PLR0913  # what a command may use, and nothing else
        self,
        log: Log,
        ids: Ids,
        fresh: Callable[[], UUID],
        *,
        shop: str,
        now: datetime,
        trusting: bool,
        if_match: int | None,
    ) -> None:
        """`trusting`: take a root that is likely new for new; the log notices when it is not."""
        self._log = log
        self._trusting = trusting
        self._if_match = if_match
        self._addressed: Root | None = None
        self.ids = ids
        self.fresh = fresh
        self.shop = shop
        self.now = now
        self.drafts: list[Draft] = []
        self.expected: dict[UUID, int] = {}

    def get(self, kind: type[R], id: UUID, *, likely_new: bool = False) -> R:
        """Return a root as its facts made it, version 0 when it has none.

        The first root asked for is the one that the command addresses: If-Match is about it.
        """
        root = kind(id) if likely_new and self._trusting else self._load(kind, id)
        self.expected[id] = root.version
        if self._addressed is None:
            self._addressed = root
            if self._if_match is not None and self._if_match != root.version:
                raise PreconditionFailed(version=root.version, expected=self._if_match)
        return root

    def get_many(self, kind: type[R], ids: Sequence[UUID]) -> Mapping[UUID, R]:
        """Return many roots, read at once."""
        facts = self._log.streams(ids)
        roots = {}
        for stream in dict.fromkeys(ids):
            held = facts.get(stream, ())
            roots[stream] = root = kind.after(stream, (f.event for f in held))
            root.version = self.expected[stream] = held[-1].version if held else 0
        return roots

    def keep(
        self, root: Root, *, customer: UUID | None = None, occurred_at: datetime | None = None
    ) -> None:
        """Put what was decided into the append. `customer`: whose a new order or ticket is."""
        stream: UUID | None = root.id
        who: Who | None = THEIRS if customer is None else Who(user=customer)
        if isinstance(root, Customer):
            stream, who = None, Who(user=root.id)
        elif isinstance(root, NOBODYS):
            who = None
        at = self.now if occurred_at is None else occurred_at
        for decided in root.collect_events():
            self.drafts.append(Draft(event=decided.event, occurred_at=at, who=who, stream=stream))

    def answer(self, told: Answer) -> dict[str, Any]:
        """Return a handler's answer with the id and version of what was addressed."""
        if self._addressed is None:
            return told or {}
        return {"id": self._addressed.id, "version": self._addressed.version, **(told or {})}

    def _load(self, kind: type[R], id: UUID) -> R:
        """Load a root; a customer over all identities that are theirs."""
        facts = self._log.cluster(id) if kind is Customer else self._log.stream(id)
        told = sorted(facts, key=_when) if kind in REPORTED else facts
        root = kind.after(id, (f.event for f in told))
        root.version = 0
        for fact in facts:
            if fact.stream == id:
                root.version = fact.version
            else:
                self.expected[fact.stream] = fact.version
        return root


def _when(fact: Fact) -> tuple[datetime, int]:
    return fact.occurred_at, fact.position


def utc(field: str, instant: datetime) -> datetime:
    """Return the instant in UTC. Raises Malformed without a time zone."""
    if instant.tzinfo is None:
        raise Malformed(field=field, why="has no time zone")
    return instant.astimezone(UTC)
