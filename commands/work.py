"""One command at work: what was asked, what is read for it, what is decided."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import msgspec

from domain.customer.aggregate import Customer
from domain.order.aggregate import Order
from domain.shared.aggregate import Decided, Root, Told
from domain.shared.ids import Ids
from domain.shared.log import Heard, Receipt, Who
from domain.shared.refusals import Malformed, NotFound, PreconditionFailed

R = TypeVar("R", bound=Root)
C = TypeVar("C", bound="Command")

Answer = dict[str, Any] | None
"""What the asker is told besides the position, as JSON values; the addressed root's id and version
are added."""

REPORTED: Final[tuple[type[Root], ...]] = (Customer, Order)
"""Told of by shops too, in whatever order it comes: the last word is the last that was said."""

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WHEN: Final = attrgetter("occurred_at", "position")


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


Projector = Callable[[R | None, Iterable[Told]], R]


class Memory(Protocol):
    """Where roots are remembered: their events, as the log holds them."""

    def recall(self, kind: type[R], id: UUID, project: Projector[R]) -> R:
        """Project a root's events: a customer's over the streams of all their identities."""

    def recall_many(self, kind: type[R], ids: Sequence[UUID]) -> Mapping[UUID, R]:
        """Return many roots, read at once; one without facts is left out."""

    def customer_of(self, identity: UUID) -> UUID:
        """Return the customer that an identity belongs to."""

    def shop_of(self, identity: UUID) -> str | None:
        """Return the shop that told of an identity; None when nobody did."""

    def forgotten(self, identities: Collection[UUID]) -> set[UUID]:
        """Return those who were forgotten."""


class Work:
    """What one try at a command has read and decided. Every stream that was read must not move."""

    def __init__(  # noqa: PLR0913  # what a command may use, and nothing else
        self,
        memory: Memory,
        ids: Ids,
        fresh: Callable[[], UUID],
        *,
        shop: str,
        now: datetime,
        trusting: bool,
        if_match: int | None,
        anywhere: bool = False,
    ) -> None:
        """`trusting`: take a root that is likely new for new; the log notices when it is not.

        `anywhere`: what is another shop's may be asked for too; `shop` is then that one.
        """
        self._memory = memory
        self._trusting = trusting
        self._anywhere = anywhere
        self._if_match = if_match
        self._addressed: Root | None = None
        self.ids = ids
        self.fresh = fresh
        self.shop = shop
        self.now = now
        self.decided: list[Decided] = []
        self.expected: dict[UUID, int] = {}
        self.heard: Heard | None = None
        """Up to where whoever asked has listened; refused with HeardSince if there was more."""

    def get(self, kind: type[R], id: UUID, *, likely_new: bool = False) -> R:
        """Return a root as its facts made it, version 0 when it has none.

        The first root asked for is the one that the command addresses: If-Match is about it.
        Raises NotFound for what is another shop's.
        """
        root = kind(id) if likely_new and self._trusting else self._load(kind, id)
        self._enter(root)
        self.expected[id] = root.version
        if self._addressed is None:
            self._addressed = root
            if self._if_match is not None and self._if_match != root.version:
                raise PreconditionFailed(version=root.version, expected=self._if_match)
        return root

    def get_many(self, kind: type[R], ids: Sequence[UUID]) -> Mapping[UUID, R]:
        """Return many roots, read at once. Raises NotFound for what is another shop's."""
        found = self._memory.recall_many(kind, ids)
        for root in found.values():
            self._enter(root)
        roots = {stream: found.get(stream) or kind(stream) for stream in ids}
        self.expected.update((stream, root.version) for stream, root in roots.items())
        return roots

    def keep(
        self, root: Root, *, customer: UUID | None = None, occurred_at: datetime | None = None
    ) -> None:
        """Put what was decided into the append. `customer`: whose a new order or ticket is."""
        at = self.now if occurred_at is None else occurred_at
        for decided in root.collect_events():
            decided.occurred_at = at
            if customer is not None:
                decided.who = Who(user=customer)
            self.decided.append(decided)

    def is_anothers(self, root: Root, customer: UUID | None) -> bool:
        """Say whether a root is of another customer than the one that is given, if one is."""
        if customer is None or root.origin is None:
            return False
        owner = self._memory.customer_of(root.origin)
        return owner not in {root.id, self._memory.customer_of(customer)}

    def owner_of(self, identity: UUID) -> UUID:
        """Return the customer that an identity belongs to."""
        return self._memory.customer_of(identity)

    def is_met(self, root: Root) -> bool:
        """Say whether anything was ever told of somebody, whatever it is about.

        Raises NotFound where another shop told it.
        """
        shop = self._memory.shop_of(root.id)
        if shop is not None:
            root.shop = shop
            self._enter(root)
        return shop is not None

    def forgotten(self, identities: Collection[UUID]) -> set[UUID]:
        """Return those who were forgotten: nothing is begun for them any more."""
        return self._memory.forgotten(identities)

    def answer(self, told: Answer) -> dict[str, Any]:
        """Return a handler's answer with the id and version of what was addressed."""
        if self._addressed is None:
            return told or {}
        return {"id": self._addressed.id, "version": self._addressed.version, **(told or {})}

    def _enter(self, root: Root) -> None:
        """Go over to the root's shop, if it is another and that may be."""
        if root.shop and root.shop != self.shop:
            if not self._anywhere:
                raise NotFound(what=type(root).__name__.lower(), id=root.id)
            self.shop = root.shop

    def _load(self, kind: type[R], id: UUID) -> R:
        """Load a root, and remember the versions of all the streams that it rests on."""

        def project(_: R | None, told: Iterable[Told]) -> R:
            root = kind(id)
            held = list(told)
            if held:
                root.shop, root.origin = held[0].shop, held[0].origin
            if kind not in REPORTED:
                for event in held:
                    event.mutate(root)
                return root
            for event in sorted(held, key=_WHEN):
                root.evolve(event.event)
            for event in held:
                if event.originator_id == id:
                    root.version = event.originator_version
                else:
                    self.expected[event.originator_id] = event.originator_version
            return root

        return self._memory.recall(kind, id, project)


def utc(field: str, instant: datetime) -> datetime:
    """Return the instant in UTC. Raises Malformed without a time zone, or before 1970."""
    if instant.tzinfo is None:
        raise Malformed(field=field, why="has no time zone")
    if instant < _EARLIEST:
        raise Malformed(field=field, why="is before 1970")
    return instant.astimezone(UTC)
