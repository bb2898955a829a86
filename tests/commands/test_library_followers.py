"""Whoever follows a log by the library `eventsourcing` follows ours: in order, none left out."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, ClassVar

from eventsourcing.persistence import Notification, Tracking
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import ApplicationSubscription, Projection, ProjectionRunner

from commands.application import Crm
from commands.customer import AddTag, RegisterCustomer
from domain.customer.events import CustomerRegistered
from domain.order.events import OrderPaid
from domain.shared.aggregate import Told
from infra.event_store import EventLog
from infra.event_store.factory import LogFactory
from tests.commands.desk import ADA, IDS, NOON, Ask, pay, place

register = RegisterCustomer(customer=ADA)


def followed(subscription: Iterator[Notification], upto: int) -> list[int]:
    seen: list[int] = []
    while not seen or seen[-1] < upto:
        seen.append(next(subscription).id)
    return seen


def test_a_follower_is_told_what_is_there_and_what_comes(crm: Crm, ask: Ask) -> None:
    ask(register)
    with ApplicationSubscription(crm) as subscription, ThreadPoolExecutor(1) as threads:
        event, tracking = next(subscription)
        assert isinstance(event, Told)
        assert (event.event, event.position) == (CustomerRegistered(), 1)
        assert tracking == Tracking("huike", 1)
        later = threads.submit(next, subscription)
        ask(AddTag(customer=ADA, tag="vip"))
        event, tracking = later.result(timeout=20)
        assert tracking.notification_id == 2


def test_a_follower_among_many_writers_misses_nothing(crm: Crm, ask: Ask) -> None:
    ask(register)

    def write(writer: int) -> None:
        for n in range(10):
            ask(AddTag(customer=IDS.user("shop", f"u{writer}"), tag=f"{n}"))

    for writer in range(8):
        ask(RegisterCustomer(customer=IDS.user("shop", f"u{writer}")))
    with crm.recorder.subscribe(gt=1) as subscription, ThreadPoolExecutor(9) as threads:
        seen = threads.submit(followed, subscription, 89)
        list(threads.map(write, range(8)))
        assert seen.result(timeout=60) == list(range(2, 90))


def test_a_follower_of_a_topic_is_told_of_nothing_else(crm: Crm, ask: Ask) -> None:
    with (
        crm.recorder.subscribe(topics=["order.paid"]) as subscription,
        ThreadPoolExecutor(1) as threads,
    ):
        first = threads.submit(next, subscription)
        ask(register)
        ask(place)
        ask(pay)
        assert first.result(timeout=20).id == 3


def test_a_follower_that_waits_is_stopped_from_elsewhere(crm: Crm) -> None:
    subscription = crm.recorder.subscribe()
    with subscription, ThreadPoolExecutor(1) as threads:
        rest = threads.submit(list, subscription)
        subscription.stop()
        assert rest.result(timeout=20) == []


class Paid(Projection[POPOTrackingRecorder]):
    """What was paid, by the library's own projection."""

    topics = ("order.paid",)
    amounts: ClassVar[list[Decimal]] = []

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        assert isinstance(domain_event.event, OrderPaid)
        self.amounts.append(domain_event.event.amount)
        self.view.insert_tracking(tracking)


def test_the_librarys_projections_run_on_the_log(event_log: EventLog, ask: Ask) -> None:
    class ThisCrm(Crm):
        name = "huike"

        def __init__(self, env: Any) -> None:  # noqa: ARG002  # it stands on this log
            super().__init__(LogFactory(event_log), event_log, IDS, lambda: NOON)

    Paid.amounts.clear()
    ask(place)
    position = ask(pay).position
    with ProjectionRunner[Crm, POPOTrackingRecorder](
        application_class=ThisCrm, projection_class=Paid, view_class=POPOTrackingRecorder
    ) as runner:
        runner.wait(position, timeout=20)
    assert Paid.amounts == [Decimal(20)]
