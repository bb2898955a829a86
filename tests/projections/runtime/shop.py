"""A small shop on a real log, whose facts the runtime's tests follow."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from domain.campaign.events import CampaignDrafted
from domain.customer.events import CustomerRegistered, Person, TagAdded, TraitsAsserted
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.order.events import OrderPaid
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Draft, Recognition, Who
from infra.event_store import EventLog, LogReader
from infra.keyring import Keyring
from infra.postgres import KEEPER, VIEWS, connect, pool
from infra.sealing import PersonKeys
from projections.projection import View
from projections.rows import Key
from projections.runtime import schema
from projections.runtime.batch import Goal
from projections.runtime.compare import StoredRows
from projections.runtime.live import LiveView
from projections.runtime.replay import Tables, tables_of
from projections.runtime.sweep import Sweeper
from projections.runtime.verify import Report, Verifier
from tests.projections.histories import SLOTS
from tests.projections.memory import named
from tests.projections.runtime.tiny import tiny

Shown = dict[str, dict[Key, Any]]


class Shop:
    """Says what happens, and asks what became of it."""

    def __init__(self, url: str, keyring: Path, stack: ExitStack) -> None:
        self.url = url
        self.keyring = keyring
        ring = Keyring.open(keyring)
        self.ids = Ids(ring.secret)
        self.sealer = PersonKeys(stack.enter_context(pool(url, KEEPER)), ring)
        self.log = EventLog(url, self.sealer)
        stack.callback(self.log.close)
        self.reader = LogReader(url, self.sealer)
        stack.callback(self.reader.close)
        self._stack = stack
        with connect(url) as admin:
            schema.install(admin)
        self.connection = self.connect()

    @classmethod
    @contextmanager
    def open(cls, url: str, keyring: Path) -> "Iterator[Shop]":
        with ExitStack() as stack:
            yield cls(url, keyring, stack)

    def connect(self) -> psycopg.Connection[Any]:
        return self._stack.enter_context(connect(self.url, VIEWS))

    def user(self, name: str) -> UUID:
        return self.ids.user("tea", name)

    def visitor(self, name: str) -> UUID:
        return self.ids.anonymous("tea", name)

    def say(
        self,
        *events: Event,
        user: str | None = None,
        visitor: str | None = None,
        stream: UUID | None = None,
        ago: timedelta = timedelta(0),
    ) -> int:
        """Record events of a user or visitor, or (neither) of nobody; return the last position."""
        who = None
        if user or visitor:
            who = Who(
                user=self.user(user) if user else None,
                anonymous=self.visitor(visitor) if visitor else None,
            )
        at = datetime.now(UTC) - ago
        drafts = tuple(Draft(event=e, occurred_at=at, who=who, stream=stream) for e in events)
        return self._append(Append(facts=drafts, **_ABOUT))

    def recognise(self, visitor: str, user: str) -> int:
        """Say that a visitor is a user."""
        draft = Draft(
            event=CustomerRegistered(),
            occurred_at=datetime.now(UTC),
            who=Who(user=self.user(user)),
            first=True,
        )
        known = Recognition(
            visitor=self.visitor(visitor), user=self.user(user), occurred_at=datetime.now(UTC)
        )
        return self._append(Append(facts=(draft,), recognition=known, **_ABOUT))

    def _append(self, append: Append) -> int:
        position = self.log.append(append).position
        assert position is not None
        return position

    def pay(
        self, user: str, order: str, amount: int, ago: timedelta = timedelta(0), **who: str
    ) -> int:
        stream = self.ids.order("tea", order)
        paid = OrderPaid(amount=Decimal(amount), currency="USD")
        return self.say(paid, user=user, stream=stream, ago=ago, **who)

    def email(self, user: str | None, address: str, visitor: str | None = None) -> int:
        return self.say(TraitsAsserted(person=Person(email=address)), user=user, visitor=visitor)

    def tag(self, user: str, tag: str) -> int:
        return self.say(TagAdded(tag=tag), user=user)

    def draft(self, code: str) -> int:
        campaign = CampaignDrafted(code=code, name=code, channel=Channel.EMAIL)
        return self.say(campaign, stream=self.ids.campaign("tea", code))

    def adopt(self, days: int) -> int:
        policy = LifecyclePolicyAdopted(silent_after_days=days)
        return self.say(policy, stream=self.ids.policy("tea"))

    def live(
        self, view: View = tiny, connection: psycopg.Connection[Any] | None = None
    ) -> LiveView:
        """Attach to a view, made when it is new."""
        connection = connection or self.connection
        schema.prepare(connection, [view], SLOTS)
        live = LiveView(connection, view, self.sealer, self.reader, SLOTS)
        live.attach()
        return live

    def follow(
        self, live: LiveView, slots: Sequence[int] = range(SLOTS), batch: int = 1000
    ) -> None:
        """Bring slots, which are at the same place, to the log's head, and sweep."""
        head = self.reader.head()
        while True:
            places = live.places(slots)
            after = min(p.position for p in places.values())
            facts = self.reader.read(after, batch)
            last = not facts or facts[-1].position >= head.position
            goal = Goal(position=head.position, clock=head.clock)
            if not last:
                goal = Goal(position=facts[-1].position, clock=facts[-1].recorded_at)
            elif facts and facts[-1].position > head.position:
                facts = [f for f in facts if f.position <= head.position]
            live.apply(facts, places, dict.fromkeys(slots, goal))
            if last:
                break
        sweeper = Sweeper(self.connection, live)
        while sweeper.walk(live.places(slots)):
            pass
        while sweeper.sweep(live.places(slots)):
            pass

    def stored(self, view: View = tiny) -> Tables:
        """Return every row that is served."""
        with self.connection.transaction():
            served = schema.active(self.connection, view.name)
            assert served is not None
            reading = StoredRows(self.connection, view, served.schema, self.sealer)
            return tables_of(view, reading.each(range(SLOTS), SLOTS))

    def shown(self, view: View = tiny) -> Shown:
        return dict(named(self.stored(view)))

    def verify(self, view: View = tiny) -> Report:
        return Verifier(self.connection, view, self.sealer, self.reader, SLOTS).verify()


_ABOUT: dict[str, Any] = {
    "actor": Actor("key", "tests"),
    "shop": "tea",
    "source": "site",
}
