"""A view: a pure fold from facts to rows, with its tables and its rule for the passing of time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, LiteralString, TypeVar
from uuid import UUID

import domain.key.events  # noqa: F401  # no view folds them, and none is to stop at them
from domain.customer.events import CustomerErased, KnownByAnotherId, VisitorRecognised
from domain.shared.depth import Depth, Depths
from domain.shared.events import FACTS, Event, Fact, Stored, Unreadable
from projections.rows import Key, Lack, Rows, Table

E = TypeVar("E", bound=Event)

Handler = Callable[[Rows, Fact, Any], None]
Share = Callable[[Any, Fact, Any], Any]
Wants = Callable[[Fact, Any], Iterable[tuple[Table[Any], Key]]]
Foresees = Callable[[Rows, Sequence[Fact]], Iterable[Table[Any]]]

RECOGNITION: Final = frozenset((KnownByAnotherId, VisitorRecognised))
"""Events at which a visitor's rows become a customer's, whatever the view."""

_ALWAYS: Final = RECOGNITION | {CustomerErased, Unreadable}
"""Events that concern every view."""


class View:
    """One view. It knows no database, clock or broker.

    `version` is raised when its tables or rules change: it is then rebuilt beside the old one.
    `shared` is the initial value of what it folds from facts of no customer; a msgspec type.
    It holds its own history where that matters: after it changed, every subject with a row in the
    `due` table is settled again, and that must bring the row to what the new value says.
    `due`: (table, column) of the instant at which a row changes by time alone, if it has such; an
    eager table with one row a subject. A row whose instant is null or later than `clock` must be
    left as it is by `settle(clock)`.
    `due_hour`: the column with the hour of that instant, where that is indexed in its place because
    it changes less often.
    `constant`: a condition in SQL of rows of the `due` table that nothing shared can change.
    `root`: an eager table in which every subject that has any row has one: a subject without it is
    known to be new, so nothing else is looked for. (Optional, and much quicker.)
    `opens`: the events whose personal fields it reads (None: any).
    `totals`: tables over many subjects that triggers keep in the transaction of the rows, each with
    the name of a view of what is wrong in it: (subject, key, kept, counted) for each mistake.
    `package` holds `schema.sql`: plain `create` statements without a schema's name.
    """

    def __init__(  # noqa: PLR0913  # a view is told by all of these
        self,
        name: str,
        *,
        version: int,
        tables: tuple[Table[Any], ...],
        package: str,
        shared: Any = None,
        due: tuple[Table[Any], str] | None = None,
        due_hour: str | None = None,
        constant: LiteralString = "false",
        root: Table[Any] | None = None,
        opens: tuple[type[Event], ...] | None = None,
        totals: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name: Final = name
        self.version: Final = version
        self.tables: Final = tables
        self.package: Final = package
        self.shared: Final = shared
        self.due: Final = due
        self.due_hour: Final = due_hour
        self.constant: Final = constant
        self.root: Final = root
        self.opens: Final = None if opens is None else frozenset(e.stored.name for e in opens)
        self.totals: Final = totals
        self._handlers: dict[type[Event], Handler] = {}
        self._any: Handler | None = None
        self._reads: frozenset[type[Event]] = frozenset()
        self._shares: dict[type[Event], Share] = {}
        self._owned: set[type[Event]] = set()
        self._wants: dict[type[Event], Wants] = {}
        self._foresees: Foresees | None = None
        self._settle: Callable[[Rows, datetime], None] | None = None
        self._combine: Callable[[Rows, Rows], None] | None = None

    @property
    def schema_sql(self) -> str:
        return files(self.package).joinpath("schema.sql").read_text(encoding="utf-8")

    def on(self, *events: type[Event]) -> Callable[[Handler], Handler]:
        """Register how a fact changes its subject's rows: `(rows, fact, event) -> None`."""

        def register(handler: Handler) -> Handler:
            for event in events:
                self._handlers[event] = handler
            return handler

        return register

    def on_any(self, *reading: type[Event]) -> Callable[[Handler], Handler]:
        """Register what is done for every fact with a subject, before its own handler.

        `reading`: the events that it reads; of others it may ask nothing but their kind.
        """

        def register(handler: Handler) -> Handler:
            self._any = handler
            self._reads = frozenset(reading)
            return handler

        return register

    def on_nobodys(self, *events: type[Event]) -> Callable[[Handler], Handler]:
        """Register how a fact of no customer changes rows whose subject is its stream."""
        self._owned.update(events)
        return self.on(*events)

    def shares(self, event: type[E]) -> Callable[[Callable[[Any, Fact, E], Any]], Share]:
        """Register how a fact of no customer changes what all rows share: `-> shared`."""

        def register(share: Callable[[Any, Fact, E], Any]) -> Share:
            self._shares[event] = share
            return share

        return register

    def wants(self, *events: type[Event]) -> Callable[[Wants], Wants]:
        """Register which rows (pairs of table and key) a fold of this fact will ask for.

        Optional: they are then read in one query a batch, instead of when NotLoaded is raised.
        """

        def register(rule: Wants) -> Wants:
            for event in events:
                self._wants[event] = rule
            return rule

        return register

    def foresees(self, rule: Foresees) -> Foresees:
        """Register which tables will be read whole, as facts and eager rows tell before folding.

        Optional, as `wants` is.
        """
        self._foresees = rule
        return rule

    def settles(self, rule: Callable[[Rows, datetime], None]) -> Callable[[Rows, datetime], None]:
        """Register what time alone does to a subject's rows up to an instant."""
        self._settle = rule
        return rule

    def combines(self, rule: Callable[[Rows, Rows], None]) -> Callable[[Rows, Rows], None]:
        """Register how complete rows of a recognised visitor go into the customer's rows.

        Law: combine(fold(a), fold(b)) = fold(a and b interleaved by position).
        """
        self._combine = rule
        return rule

    def subject_of(self, fact: Fact) -> UUID | None:
        """Return whose rows a fact changes, None when it changes nobody's."""
        if fact.subject is None and type(fact.event) in self._owned:
            return fact.stream
        return fact.subject

    def depths(self) -> Depths:
        """Return how deep it looks into facts, for whoever reads them for this view alone."""
        return {name: self._depth(stored) for name, stored in FACTS.items()}

    def _depth(self, stored: Stored) -> Depth:
        kind = stored.cls
        if kind in self._handlers or kind in self._shares or kind in self._reads:
            closed = self.opens is not None and stored.name not in self.opens
            return Depth.CLEAR if closed else Depth.WHOLE
        return Depth.NOTHING if self._any is None else Depth.KIND

    def concerned(self, facts: Sequence[Fact]) -> Sequence[Fact]:
        """Return the facts that may change their subject's rows."""
        if self._any is not None:
            return facts
        kinds = self._handlers
        return [f for f in facts if (kind := type(f.event)) in kinds or kind in _ALWAYS]

    def share(self, shared: Any, fact: Fact) -> Any:
        """Return what all rows share after a fact of no customer. Raises UnreadableFact."""
        if isinstance(fact.event, Unreadable):
            raise fact.event.refused(fact.position, fact.type)
        rule = self._shares.get(type(fact.event))
        return rule(shared, fact, fact.event) if rule else shared

    def fold(self, rows: Rows, fact: Fact) -> None:
        """Fold one fact into its subject's rows.

        Raises NotLoaded when rows are missing, UnreadableFact for what nobody can make anything of.

        That a visitor was recognised is told by the customer's KnownByAnotherId; the visitor's
        VisitorRecognised is never folded: its rows go, and come into the customer's by `combine`.
        """
        event = fact.event
        kind = type(event)
        if kind is VisitorRecognised:
            return
        if kind is Unreadable:
            raise event.refused(fact.position, fact.type)  # type: ignore[attr-defined]  # it is one
        if self._any is not None and fact.subject is not None:
            self._any(rows, fact, event)
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(rows, fact, event)

    def wanted(self, rows: Rows, facts: Sequence[Fact]) -> Iterator[Lack]:
        """Yield what folding these facts is going to ask for, as far as was registered."""
        if self._foresees is not None:
            for table in self._foresees(rows, facts):
                yield table, None
        rules = self._wants
        if not rules:
            return
        for fact in facts:
            rule = rules.get(type(fact.event))
            if rule is not None:
                yield from rule(fact, fact.event)

    def settle(self, rows: Rows, clock: datetime) -> None:
        """Let time pass for one subject, up to and including `clock`."""
        if self._settle is not None:
            self._settle(rows, clock)

    def combine(self, rows: Rows, visitor: Rows) -> None:
        """Put a recognised visitor's complete rows into the customer's."""
        if self._combine is not None:
            self._combine(rows, visitor)


def slot_of(subject: UUID, slots: int) -> int:
    """Return a subject's slot: its first four bytes as a number, modulo the number of slots."""
    return (subject.int >> 96) % slots
