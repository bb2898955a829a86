"""Whoever knows the library `eventsourcing` reads and writes our log by its own interface."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.application import AggregateNotFoundError, EventSourcedLog
from eventsourcing.persistence import (
    IntegrityError,
    NotSupportedError,
    Recording,
    Tracking,
)

from commands.application import Crm
from commands.customer import AddNote, AddTag, RegisterCustomer
from domain.campaign.aggregate import Campaign
from domain.campaign.events import Goal
from domain.customer.aggregate import Customer
from domain.customer.events import CustomerRegistered, NoteAdded, TagAdded
from domain.order.aggregate import Order
from domain.order.events import OrderPlaced
from domain.shared.aggregate import Told
from domain.shared.channel import Channel
from domain.shared.events import FACTS, Event, Stored
from domain.shared.log import Asked
from domain.shared.personal import ERASED
from domain.shared.refusals import UnreadableFact
from infra.event_store import EventLog, LogReader
from infra.event_store.factory import LogFactory
from infra.event_store.mapper import FactMapper, Kept
from infra.postgres import connect
from infra.sealing import PersonKeys
from projections.profile.projection import profile
from projections.profile.tables import PROFILE
from projections.runtime.as_of import AsOf
from tests.commands.desk import ADA, BO, IDS, LIN, NOON, ORDER, Ask, Facts, events, pay, place

register = RegisterCustomer(customer=ADA)
DESK = Asked(actor=LIN, shop="shop", source="desk")

Save = Callable[..., list[Recording[UUID]]]


@pytest.fixture
def save(crm: Crm) -> Save:
    """Save by the library's interface, as Lin, at the shop's desk."""
    return lambda *roots, **how: crm.save(*roots, **{"asked": DESK, **how})


def an_order() -> Order:
    order = Order(ORDER)
    order.place(
        OrderPlaced(number="A-1", currency="USD", lines=place.lines, total=Decimal(20)),
    )
    return order


def tagged(customer: UUID, *tags: str) -> Customer:
    root = Customer(customer)
    root.register()
    for tag in tags:
        root.add_tag(tag)
    return root


# ---- what is read


def test_the_notification_log_is_the_log(crm: Crm, ask: Ask, facts: Facts) -> None:
    ask(place)
    ask(pay)
    ask(register)
    section = crm.notification_log["1,10"]
    assert [(n.id, n.topic, n.originator_id) for n in section.items] == [
        (f.position, f.type, f.stream) for f in facts()
    ]
    assert section.id == "1,3"
    assert [n.id for n in crm.notification_log["2,2"].items] == [2]


def test_notifications_are_chosen_by_place_and_topic(crm: Crm, ask: Ask) -> None:
    ask(place)
    ask(pay)
    ask(register)
    select = crm.recorder.select_notifications

    def positions(*asked: Any, **how: Any) -> list[int]:
        return [n.id for n in select(*asked, **how)]

    assert positions(None, 10) == [1, 2, 3]
    assert positions(2, 10) == [2, 3]
    assert positions(2, 10, inclusive_of_start=False) == [3]
    assert positions(1, 10, 2) == [1, 2]
    assert positions(1, 1) == [1]
    assert positions(1, 10, topics=["order.paid", "customer.registered"]) == [2, 3]


def test_an_empty_log_has_no_last_notification(crm: Crm, ask: Ask) -> None:
    assert crm.recorder.max_notification_id() is None
    ask(place)
    assert crm.recorder.max_notification_id() == 1


def test_the_repository_makes_a_root_of_its_facts(crm: Crm, ask: Ask) -> None:
    ask(place)
    ask(pay)
    order: Order = crm.repository.get(ORDER)
    assert isinstance(order, Order)
    assert (order.version, order.paid) == (2, Decimal(20))
    before: Order = crm.repository.get(ORDER, version=1)
    assert (before.version, before.paid) == (1, Decimal(0))
    assert ORDER in crm.repository


def test_who_has_no_fact_is_not_found(crm: Crm) -> None:
    assert ADA not in crm.repository
    with pytest.raises(AggregateNotFoundError):
        crm.repository.get(ADA)


def test_a_stream_is_selected_by_version_from_either_end(crm: Crm, save: Save) -> None:
    save(tagged(ADA, "a", "b", "c"))

    def versions(**how: Any) -> list[int]:
        return [e.originator_version for e in crm.events.get(ADA, **how)]

    assert versions() == [1, 2, 3, 4]
    assert versions(gt=1, lte=3) == [2, 3]
    assert versions(desc=True, limit=2) == [4, 3]
    last = EventSourcedLog(crm.events, ADA, Told).get_last()
    assert last is not None
    assert last.event == TagAdded(tag="c")


def test_personal_fields_are_opened_for_who_holds_the_keys(crm: Crm, ask: Ask) -> None:
    ask(register)
    ask(AddNote(customer=ADA, text="Likes mornings"))
    (notification,) = crm.notification_log.select(2, 1)
    assert b"mornings" not in notification.state
    for mapper, text in ((crm.mapper, "Likes mornings"), (FactMapper(None), ERASED)):
        told = mapper.to_domain_event(notification)
        assert isinstance(told, Told)
        assert isinstance(told.event, NoteAdded)
        assert told.event.text == text


class Agreed(Event, frozen=True, kw_only=True):
    """Somebody agreed; in version 2 also to what."""

    wording: str

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["wording"] = "unrecorded"


def test_an_older_version_is_read_as_the_present_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FACTS, "test.agreed", Stored(Agreed, "test.agreed", 2))
    kept = Kept(ADA, 1, "test.agreed", b"{}", id=7, type_version=1, origin=ADA, occurred_at=NOON)
    told = FactMapper(None).to_domain_event(kept)
    assert told.event == Agreed(wording="unrecorded")
    assert (told.originator_id, told.originator_version, told.position) == (ADA, 1, 7)


def test_what_this_huike_does_not_know_is_selected_but_not_guessed_at(
    crm: Crm, ask: Ask, database_url: str
) -> None:
    ask(register)
    ask(AddTag(customer=ADA, tag="vip"))
    with connect(database_url) as admin:
        admin.execute("update log.fact set type = 'customer.invented' where position = 2")
    _, unknown = crm.notification_log.select(1, 10)
    assert (unknown.topic, unknown.state) == ("customer.invented", b'{"tag":"vip"}')
    with pytest.raises(UnreadableFact, match=r"Fact 2, customer\.invented v1, cannot be read"):
        crm.repository.get(ADA)


# ---- what is saved


def test_what_is_saved_is_recorded_and_folded(
    save: Save, facts: Facts, database_url: str, keys: PersonKeys
) -> None:
    recordings = save(tagged(ADA, "vip"))
    assert [r.notification.id for r in recordings] == [1, 2]
    assert [f.event for f in facts()] == [CustomerRegistered(), TagAdded(tag="vip")]
    assert {(f.actor_id, f.source, f.occurred_at, f.subject) for f in facts()} == {
        ("lin", "desk", NOON, ADA)
    }
    reader = LogReader(database_url, keys)
    rows = AsOf(profile, reader, keys.blind).one(ADA, at=NOON, known_at=2)
    reader.close()
    row = rows.get(PROFILE)
    assert row is not None
    assert row.tags == ("vip",)


def test_all_that_is_saved_together_is_saved_or_nothing(save: Save, facts: Facts) -> None:
    save(tagged(ADA))
    late = tagged(ADA)
    with pytest.raises(IntegrityError):
        save(an_order(), late)
    assert len(facts()) == 1
    recordings = save(an_order(), tagged(BO))
    assert [r.notification.originator_id for r in recordings] == [ORDER, BO]
    assert len({f.recorded_at for f in facts()[1:]}) == 1


def test_of_two_who_saw_the_same_the_second_is_refused(crm: Crm, save: Save, facts: Facts) -> None:
    save(an_order())
    first: Order = crm.repository.get(ORDER)
    second: Order = crm.repository.get(ORDER)
    for order in (first, second):
        order.cancel(reason=None)
    save(first)
    with pytest.raises(IntegrityError):
        save(second)
    assert len(facts()) == 2


def test_two_copies_are_not_saved_one_after_the_other(crm: Crm, save: Save, facts: Facts) -> None:
    save(tagged(ADA))
    copies: list[Customer] = [crm.repository.get(ADA) for _ in range(2)]
    for name, copy in zip("ab", copies, strict=True):
        copy.add_tag(name)
    with pytest.raises(IntegrityError, match="version 2"):
        save(*copies)
    assert len(facts()) == 1


def test_of_many_at_once_each_keeps_or_is_refused(crm: Crm, save: Save, facts: Facts) -> None:
    save(tagged(ADA))
    ready = threading.Barrier(8)

    def tag(name: str) -> int:
        refused = 0
        ready.wait(timeout=20)
        while True:
            customer: Customer = crm.repository.get(ADA)
            customer.add_tag(name)
            try:
                save(customer)
            except IntegrityError:
                refused += 1
            else:
                return refused

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(tag, "abcdefgh")) > 0
    told = facts()
    assert [f.version for f in told] == list(range(1, 10))
    assert sorted(e.tag for e in events(told) if isinstance(e, TagAdded)) == list("abcdefgh")


def test_a_campaign_saved_so_is_nobodys(crm: Crm, save: Save, facts: Facts) -> None:
    campaign = Campaign(IDS.campaign("shop", "spring"))
    campaign.draft(
        "spring", "Spring", Channel.EMAIL, goal=Goal(), description=None, simulated=False
    )
    save(campaign)
    assert isinstance(crm.repository.get(campaign.id), Campaign)
    assert [(f.origin, f.subject) for f in facts()] == [(None, None)]


def test_the_log_tracks_nobodys_place(crm: Crm) -> None:
    with pytest.raises(NotSupportedError):
        crm.events.put([], asked=DESK, occurred_at=NOON, tracking=Tracking("huike", 1))
    with pytest.raises(NotSupportedError):
        crm.factory.process_recorder()
    with pytest.raises(NotSupportedError):
        crm.factory.tracking_recorder()


def test_the_librarys_environment_changes_nothing(
    event_log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IS_SNAPSHOTTING_ENABLED", "y")
    monkeypatch.setenv("AGGREGATE_CACHE_MAXSIZE", "10")
    crm = Crm(LogFactory(event_log), event_log, IDS, lambda: NOON)
    assert crm.snapshots is None
    assert crm.repository.cache is None
