"""What is told of somebody forgotten is recorded as nobody's, where the log is told how."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from msgspec.structs import replace

from commands.shop import nobodys
from domain.activity.events import Tracked
from domain.customer.events import CustomerRegistered
from domain.order.events import OrderPaid, OrderPlaced
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Draft, Message, Recognition, Who
from domain.shared.personal import KeyForgotten
from infra.event_store import EventLog, LogReader
from infra.keyring import Keyring
from infra.postgres import Pool
from infra.sealing import PersonKeys

IDS = Ids(b"secret")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADA, BOB = IDS.user("shop", "ada"), IDS.user("shop", "bob")
ORDER = IDS.order("shop", "A-1")


@pytest.fixture
def event_log(database_url: str, keys: PersonKeys) -> Iterator[EventLog]:
    opened = EventLog(database_url, keys, nobodys=nobodys)
    yield opened
    opened.close()


def message(name: str, user: UUID, *, order: UUID | None = None, paid: bool = False) -> Append:
    stream, who = IDS.message("shop", "site", name), Who(user=user)
    event = Tracked(name="Product Viewed", content=b"digest")
    facts = [Draft(event=event, occurred_at=NOON, who=who, stream=stream)]
    if order is not None:
        told = OrderPaid(amount=1, currency="USD") if paid else OrderPlaced(**_PLACED)  # type: ignore[arg-type]  # a whole number is one
        facts.append(Draft(event=told, occurred_at=NOON, who=who, stream=order))
    return Append(
        facts=tuple(facts),
        actor=Actor("key", "site"),
        shop="shop",
        source="site",
        message=Message(id=stream, content=b"digest", original=b"{}"),
    )


_PLACED = {"number": "A-1", "currency": "USD", "total": 1}


def test_it_is_recorded_once_and_its_neighbours_are_kept(
    event_log: EventLog, reader: LogReader, keys: PersonKeys
) -> None:
    keys.forget([ADA])
    told = event_log.submit_all(
        [message("m1", BOB), message("m2", ADA), message("m2", ADA), message("m3", BOB)]
    ).result()
    assert [getattr(it, "duplicate", it) for it in told] == [False, False, True, False]
    again = event_log.append(message("m2", ADA))
    assert (again.duplicate, again.recorded) == (True, 0)
    assert [(fact.origin, fact.subject) for fact in reader.read(0, 10)] == [
        (BOB, BOB),
        (None, None),
        (BOB, BOB),
    ]
    assert not keys.has_key(ADA)


def test_a_new_order_is_a_guests_and_goes_on_being_one(
    event_log: EventLog, reader: LogReader, keys: PersonKeys
) -> None:
    keys.forget([ADA])
    event_log.append(message("m1", ADA, order=ORDER))
    event_log.append(message("m2", ADA, order=ORDER, paid=True))
    assert [(f.type, f.origin) for f in reader.read(0, 10) if f.stream == ORDER] == [
        ("order.placed", ORDER),
        ("order.paid", ORDER),
    ]
    assert reader.origins_of(ADA, at=reader.last()) == [ADA]
    assert not keys.forgotten([ORDER])


def test_what_was_told_before_and_is_sent_again_is_known(
    event_log: EventLog, reader: LogReader, keys: PersonKeys
) -> None:
    event_log.append(message("m1", ADA))
    keys.forget([ADA])
    assert event_log.append(message("m1", ADA)).duplicate
    assert len(reader.read(0, 10)) == 1


def test_what_a_visitor_of_theirs_does_is_nobodys_too(
    event_log: EventLog, reader: LogReader, keys: PersonKeys
) -> None:
    visitor = IDS.anonymous("shop", "v1")
    keys.forget([ADA, visitor])
    told = message("m1", ADA)
    alone = replace(told, facts=(replace(told.facts[0], who=Who(anonymous=visitor)),))
    event_log.append(alone)
    assert [fact.origin for fact in reader.read(0, 10)] == [None]


def test_what_no_message_tells_is_refused_as_ever(
    event_log: EventLog, reader: LogReader, keys: PersonKeys
) -> None:
    keys.forget([ADA])
    told = Draft(event=CustomerRegistered(id="ada"), occurred_at=NOON, who=Who(user=ADA))
    with pytest.raises(KeyForgotten):
        event_log.append(
            Append(facts=(told,), actor=Actor("key", "site"), shop="shop", source="site")
        )
    assert reader.read(0, 10) == []


def test_no_order_is_begun_for_them_by_command(
    event_log: EventLog, reader: LogReader, keys: PersonKeys
) -> None:
    keys.forget([ADA])

    def placed(customer: UUID, order: UUID) -> Append:
        told = Draft(
            event=OrderPlaced(**_PLACED),  # type: ignore[arg-type]  # a whole number is one
            occurred_at=NOON,
            who=Who(user=customer),
            stream=order,
        )
        return Append(facts=(told,), actor=Actor("key", "desk"), shop="shop", source="desk")

    with pytest.raises(KeyForgotten):
        event_log.append(placed(ADA, ORDER))
    event_log.append(placed(BOB, ORDER))
    assert [fact.origin for fact in reader.read(0, 10)] == [BOB]
    guests = IDS.order("shop", "A-2")
    told = placed(BOB, guests)
    event_log.append(replace(told, facts=(replace(told.facts[0], who=Who()),)))
    with pytest.raises(KeyForgotten):
        event_log.append(placed(ADA, guests))
    assert reader.customer_of(guests) == guests


def test_behaviour_of_nobodys_concerns_no_view(
    event_log: EventLog, reader: LogReader, keys: PersonKeys
) -> None:
    keys.forget([ADA])
    event_log.append(message("m1", ADA))
    event_log.append(message("m2", BOB))
    assert reader.of_nobody(upto=reader.last()) == []
    scanned = [told for chunk in reader.scan([0], 1, upto=reader.last()) for told in chunk]
    assert [customer for customer, _ in scanned] == [BOB]


def test_where_it_is_refused_its_neighbours_are_kept_by_one_commit(
    database_url: str, keys: PersonKeys
) -> None:
    commits: list[int] = []
    refusing = EventLog(database_url, keys, watch=lambda appends, *_: commits.append(appends))
    keys.forget([ADA])
    asked = [message(f"m{n}", ADA if n % 3 else BOB) for n in range(9)]
    told = refusing.submit_all(asked).result()
    refusing.close()
    assert [isinstance(it, KeyForgotten) for it in told] == [n % 3 > 0 for n in range(9)]
    assert commits == [3]


def test_who_was_forgotten_does_not_turn_out_to_be_a_customer(
    event_log: EventLog, reader: LogReader, keeper: Pool, ring: Keyring
) -> None:
    visitor, other = IDS.anonymous("shop", "v1"), IDS.anonymous("shop", "v2")
    for number, who in enumerate((visitor, other)):
        seen = message(f"m{number}", who)
        event_log.append(replace(seen, facts=(replace(seen.facts[0], who=Who(anonymous=who)),)))
    guest = Draft(event=OrderPaid(amount=1, currency="USD"), occurred_at=NOON, stream=ORDER)  # type: ignore[arg-type]  # a whole number is one
    event_log.append(replace(message("m2", BOB), message=None, facts=(replace(guest, who=Who()),)))
    last = reader.last()
    PersonKeys(keeper, ring).forget([visitor, ORDER])  # another process, not heard of yet
    known = [
        replace(
            message(f"n{number}", BOB),
            recognition=Recognition(visitor=who, user=BOB, occurred_at=NOON),
        )
        for number, who in enumerate((visitor, other))
    ]
    told = event_log.submit_all([*known, message("n2", BOB, order=ORDER, paid=True)]).result()
    assert not [it for it in told if isinstance(it, Exception)]
    assert set(reader.origins_of(BOB, at=reader.last())) == {BOB, other}
    of_theirs = [fact.type for fact in reader.of_origins([visitor], upto=reader.last())]
    assert [fact.origin for fact in reader.read(last, 10)].count(visitor) == 0
    assert of_theirs == ["activity.tracked"]
