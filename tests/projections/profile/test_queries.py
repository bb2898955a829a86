"""Customers are found and read in Postgres, masked or opened."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from domain.customer.events import (
    ConsentGranted,
    CustomerRegistered,
    NoteAdded,
    Person,
    TagAdded,
    TraitsAsserted,
)
from domain.order.events import Line, OrderPaid, OrderPlaced, OrderRefunded
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.refusals import Malformed, NotFound
from domain.ticket.events import TicketKind, TicketOpened
from infra.postgres import connect
from projections.lifecycle.projection import lifecycle
from projections.profile import parts
from projections.profile.answers import shown
from projections.profile.projection import profile
from projections.profile.queries import Part, Sort, Wanted, by_email, by_id, by_phone, every, some
from projections.profile.tables import PROFILE
from projections.profile.why import why
from projections.runtime.as_of import AsOf
from projections.why import Rule
from tests.projections.memory import blind
from tests.projections.runtime.shop import Shop

ada = Person(name="Ada Lovelace", email="Ada@Example.com", phone="+1 415 555 0123")


class Tea:
    """A tea shop, and the views of its customers."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._views = [shop.live(profile), shop.live(lifecycle)]

    def says(self, user: str, *events: Event, order: str | None = None, days_ago: int = 0) -> None:
        stream = self.shop.ids.order("tea", order) if order else None
        self.shop.say(*events, user=user, stream=stream, ago=timedelta(days=days_ago))

    def buys(self, user: str, amount: str, *, days_ago: int = 0) -> None:
        paid = OrderPaid(amount=Decimal(amount), currency="USD")
        self.says(user, paid, order=uuid4().hex, days_ago=days_ago)

    def catches_up(self) -> None:
        for view in self._views:
            self.shop.follow(view)

    def names(self, wanted: Wanted, part: Part | None = None) -> list[str]:
        page = some(self.shop.connection, wanted, part or Part(), sealer=self.shop.sealer)
        return [customer.name or "" for customer in page.items]


@pytest.fixture
def tea(shop: Shop) -> Tea:
    return Tea(shop)


@pytest.fixture
def three(tea: Tea) -> Tea:
    """Three customers: ada spent most and long ago, ben little and lately, cleo nothing."""
    for name in ("ada", "ben", "cleo"):
        tea.says(name, CustomerRegistered(), TraitsAsserted(person=Person(name=name)), days_ago=300)
    tea.buys("ada", "2500", days_ago=200)
    tea.buys("ben", "20", days_ago=3)
    tea.says("ben", TagAdded(tag="oolong"))
    consent = ConsentGranted(channel=Channel.EMAIL, purpose="offers", source="", wording="v1")
    tea.says("cleo", consent)
    tea.catches_up()
    return tea


def test_a_customer_is_masked_unless_asked_to_be_revealed(tea: Tea) -> None:
    tea.says("ada", TraitsAsserted(person=ada, traits={"plan": "gold"}, private={"pet": "Rex"}))
    tea.catches_up()
    connection, customer = tea.shop.connection, tea.shop.user("ada")
    masked = by_id(connection, customer)
    assert masked is not None
    assert (masked.name, masked.email, masked.phone) == ("A••• L•••", "a•••@e•••.com", "•••0123")
    assert (masked.masked, masked.person, masked.traits) == (True, None, {"plan": "gold"})
    opened = by_id(connection, customer, sealer=tea.shop.sealer)
    assert opened is not None
    assert (opened.name, opened.person, opened.private) == ("Ada Lovelace", ada, {"pet": "Rex"})


def test_nobody_is_answered_with_nothing(tea: Tea) -> None:
    assert by_id(tea.shop.connection, tea.shop.user("nobody")) is None


def test_what_says_who_somebody_is_stands_sealed_in_the_tables(tea: Tea) -> None:
    tea.says("ada", TraitsAsserted(person=ada), NoteAdded(note=uuid4(), text="Ada likes oolong"))
    tea.catches_up()
    for statement in ("select * from huike.profile", "select * from huike.profile_note"):
        dump = repr(tea.shop.connection.execute(statement).fetchall())
        assert "Lovelace" not in dump
        assert "likes oolong" not in dump


def test_a_customer_is_found_by_email_and_phone_however_written(tea: Tea) -> None:
    tea.says("ada", TraitsAsserted(person=ada))
    tea.says("ben", TraitsAsserted(person=Person(phone="415-555-0199")))
    tea.catches_up()
    connection, blinded = tea.shop.connection, tea.shop.sealer.blind
    assert by_email(connection, " ADA@example.com", blinded) == [tea.shop.user("ada")]
    assert by_email(connection, "", blinded) == []
    assert by_phone(connection, "(415) 555-0123", blinded, "US") == [tea.shop.user("ada")]
    assert by_phone(connection, "+1 415 555 0199", blinded, "US") == [tea.shop.user("ben")]
    assert by_phone(connection, "nothing", blinded, "US") == []


def test_the_figures_stay_when_the_key_is_gone(tea: Tea) -> None:
    tea.says("ada", TraitsAsserted(person=ada))
    tea.buys("ada", "30")
    tea.catches_up()
    with connect(tea.shop.url) as admin:
        admin.execute("update keeper.person_key set wrapped = null")
    with Shop.open(tea.shop.url, tea.shop.keyring) as later:
        found = by_id(later.connection, later.user("ada"), sealer=later.sealer)
        assert found is not None
        assert (found.erased, found.name, found.paid) == (True, None, Decimal(30))
        later.tag("ada", "tea")
        later.follow(later.live(profile))
        left = by_id(later.connection, later.user("ada"))
        assert left is not None
        assert (left.email, left.tags, left.net) == (None, ["tea"], Decimal(30))
        assert later.verify(profile).different == 0


def test_customers_are_found_by_what_they_are(three: Tea) -> None:
    now = datetime.now(UTC)
    assert three.names(Wanted(tier="high")) == ["ada"]
    assert three.names(Wanted(stage="lost")) == ["ada"]
    assert three.names(Wanted(tag="oolong")) == ["ben"]
    assert three.names(Wanted(consent="email:offers")) == ["cleo"]
    assert three.names(Wanted(net_from=Decimal(1), net_to=Decimal(100))) == ["ben"]
    assert three.names(Wanted(seen_since=now - timedelta(days=10))) == ["ben"]
    assert three.names(Wanted(seen_before=now - timedelta(days=250), known=True)) == ["cleo"]
    assert three.names(Wanted(kind="company")) == []


def test_customers_are_sorted(three: Tea) -> None:
    assert three.names(Wanted(), Part(sort=Sort.NET_DOWN)) == ["ada", "ben", "cleo"]
    assert three.names(Wanted(), Part(sort=Sort.LAST_SEEN)) == ["cleo", "ada", "ben"]
    assert three.names(Wanted(), Part(sort=Sort.LAST_SEEN_DOWN)) == ["ben", "ada", "cleo"]


def test_pages_follow_each_other_without_gap_or_overlap(three: Tea) -> None:
    def pages(sort: Sort) -> Iterator[UUID]:
        cursor = None
        while True:
            part = Part(sort=sort, limit=1, cursor=cursor)
            page = some(three.shop.connection, Wanted(), part)
            yield from (customer.customer for customer in page.items)
            cursor = page.cursor
            if cursor is None:
                return

    for sort in Sort:
        whole = some(three.shop.connection, Wanted(), Part(sort=sort)).items
        assert list(pages(sort)) == [customer.customer for customer in whole]


def test_a_cursor_of_a_list_sorted_otherwise_is_refused(three: Tea) -> None:
    page = some(three.shop.connection, Wanted(), Part(sort=Sort.NET, limit=1))
    with pytest.raises(Malformed, match="cursor"):
        some(three.shop.connection, Wanted(), Part(sort=Sort.ORDERS, cursor=page.cursor))


def test_everybody_is_exported_in_chunks(three: Tea) -> None:
    for chunk in (1, 2, 3, 100):
        found = list(every(three.shop.connection, Wanted(), sealer=three.shop.sealer, chunk=chunk))
        assert sorted(customer.name or "" for customer in found) == ["ada", "ben", "cleo"]
        assert {customer.tier for customer in found} == {"high", "low", "none"}


def test_orders_tickets_and_notes_stand_beside(tea: Tea) -> None:
    line = Line(product="p1", category="tea", unit_price=Decimal(30))
    placed = OrderPlaced(number="1001", currency="USD", total=Decimal(30), lines=(line,))
    paid = OrderPaid(amount=Decimal(30), currency="USD")
    tea.says("ada", placed, paid, order="1001")
    opened = TicketOpened(number="7", kind=TicketKind.INQUIRY, channel=Channel.WEB, about="when?")
    tea.shop.say(opened, user="ada", stream=tea.shop.ids.ticket("tea", "7"))
    tea.says("ada", NoteAdded(note=uuid4(), text="likes oolong"))
    tea.catches_up()
    connection, customer = tea.shop.connection, tea.shop.user("ada")
    (order,) = parts.orders(connection, customer)
    assert (order.number, order.status, order.lines) == ("1001", "paid", (line,))
    (ticket,) = parts.tickets(connection, customer)
    assert (ticket.number, ticket.status) == ("7", "open")
    assert [note.text for note in parts.notes(connection, customer)] == [None]
    (note,) = parts.notes(connection, customer, sealer=tea.shop.sealer)
    assert note.text == "likes oolong"


def test_a_recognised_visitors_past_is_the_customers(tea: Tea) -> None:
    tea.shop.say(TraitsAsserted(person=Person(email="v@example.com")), visitor="v1")
    tea.shop.say(
        OrderPaid(amount=Decimal(9), currency="USD"),
        visitor="v1",
        stream=tea.shop.ids.order("tea", "1"),
    )
    tea.catches_up()
    tea.buys("ada", "30")
    tea.shop.recognise("v1", "ada")
    tea.catches_up()
    (customer,) = some(tea.shop.connection, Wanted(), Part(), sealer=tea.shop.sealer).items
    assert (customer.customer, customer.email) == (tea.shop.user("ada"), "v@example.com")
    assert (customer.purchases, customer.paid) == (2, Decimal(39))
    assert tea.shop.verify(profile).different == 0


def test_what_was_known_at_an_instant_is_answered_the_same(tea: Tea) -> None:
    tea.says("ada", TraitsAsserted(person=ada))
    tea.buys("ada", "30")
    tea.catches_up()
    asked = AsOf(profile, tea.shop.reader, blind)
    head = tea.shop.reader.head()
    rows = asked.one(tea.shop.user("ada"), at=datetime.now(UTC), known_at=head.position)
    row = rows.get(PROFILE)
    assert row is not None
    opened = by_id(tea.shop.connection, tea.shop.user("ada"), sealer=tea.shop.sealer)
    assert opened is not None
    then = shown(row, reveal=True)
    assert (then.person, then.paid, then.first_seen) == (
        opened.person,
        opened.paid,
        opened.first_seen,
    )
    assert shown(row, reveal=False).email == "a•••@e•••.com"


def test_why_a_field_is_what_it_is(tea: Tea) -> None:
    tea.says("ada", TraitsAsserted(person=Person(email="new@example.com")), days_ago=1)
    tea.says("ada", TraitsAsserted(person=Person(email="old@example.com")), days_ago=9)
    tea.says("ada", TraitsAsserted(person=Person(name="Ada")))
    tea.says("ada", TagAdded(tag="vip"))
    tea.buys("ada", "30")
    tea.says("ada", OrderRefunded(currency="USD"), order="7")
    reader, customer = tea.shop.reader, tea.shop.user("ada")
    email = why(reader, customer, "email")
    assert email.rule is Rule.LAST
    said = [fact.event.person.email for fact in email.facts]  # type: ignore[attr-defined]  # traits
    assert said == ["old@example.com", "new@example.com"]
    assert email.deciding == [email.facts[-1].position]
    assert [fact.type for fact in why(reader, customer, "net").facts] == [
        "order.paid",
        "order.refunded",
    ]
    assert len(why(reader, customer, "tags.vip").facts) == 1
    assert why(reader, customer, "tags.other").facts == []
    assert why(reader, customer, "email", upto=1).facts[0].position == 1
    with pytest.raises(NotFound, match="field"):
        why(reader, customer, "shoe_size")
