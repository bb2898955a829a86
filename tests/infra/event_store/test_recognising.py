"""Who visitors, and orders of nobody known, turn out to be."""

from decimal import Decimal

from domain.activity.events import Tracked
from domain.customer.events import (
    CustomerRegistered,
    KnownByAnotherId,
    VisitorRecognised,
    VisitorRedirected,
)
from domain.order.events import OrderPlaced, OrderRefunded, OrderShipped, OrderToldOfAnotherCustomer
from domain.shared.log import Draft, Recognition, Who
from infra.event_store import EventLog, LogReader
from tests.infra.event_store.said import ADA, IDS, NOON, of, said, viewed


def test_a_recognised_visitor_becomes_the_customer_from_then_on(
    event_log: EventLog, reader: LogReader
) -> None:
    visitor = IDS.anonymous("shop", "v")
    event_log.append(viewed("m1", visitor="v"))
    event_log.append(
        said(
            of(ADA, CustomerRegistered()),
            recognition=Recognition(visitor=visitor, user=ADA, occurred_at=NOON),
        )
    )
    event_log.append(viewed("m2", visitor="v"))
    facts = reader.read(0, 10)
    assert [(type(f.event), f.origin, f.subject) for f in facts] == [
        (Tracked, visitor, visitor),
        (CustomerRegistered, ADA, ADA),
        (VisitorRecognised, visitor, visitor),
        (KnownByAnotherId, ADA, ADA),
        (Tracked, ADA, ADA),
    ]
    assert set(reader.origins_of(ADA, at=5)) == {ADA, visitor}
    assert reader.origins_of(ADA, at=3) == [ADA]
    assert reader.customer_of(visitor) == ADA
    assert reader.customer_of(visitor, at=3) == visitor
    chunks = list(reader.scan(range(32), 32, upto=5))
    assert {customer for chunk in chunks for customer, _ in chunk} == {ADA}


def test_a_shared_device_only_redirects_what_comes_next(
    event_log: EventLog, reader: LogReader
) -> None:
    visitor = IDS.anonymous("shop", "v")
    bob = IDS.user("shop", "bob")
    for user in (ADA, bob):
        event_log.append(
            said(
                of(user, CustomerRegistered()),
                recognition=Recognition(visitor=visitor, user=user, occurred_at=NOON),
            )
        )
    event_log.append(viewed("m1", visitor="v"))
    facts = reader.read(0, 10)
    assert isinstance(facts[-2].event, VisitorRedirected)
    assert facts[-1].origin == bob
    assert reader.customer_of(visitor) == ADA


def test_an_order_of_nobody_known_is_recognised_when_its_customer_is(
    event_log: EventLog, reader: LogReader
) -> None:
    order = IDS.order("shop", "1001")
    refunded = OrderRefunded(currency="EUR", amount=Decimal(5))
    event_log.append(said(Draft(event=refunded, occurred_at=NOON, who=Who(), stream=order)))
    placed = OrderPlaced(number="1001", currency="EUR", total=Decimal(20))
    event_log.append(said(Draft(event=placed, occurred_at=NOON, who=Who(user=ADA), stream=order)))
    assert reader.customer_of(order) == ADA
    last = reader.read(0, 10)[-1]
    assert (last.origin, last.subject, last.version) == (order, ADA, 3)


def test_orders_found_to_be_a_visitors_become_the_customers_when_the_visitor_does(
    event_log: EventLog, reader: LogReader
) -> None:
    visitor = IDS.anonymous("shop", "v")
    orders = [IDS.order("shop", number) for number in ("1001", "1002")]
    placed = OrderPlaced(number="1001", currency="EUR", total=Decimal(20))
    for order in orders:
        event_log.append(said(Draft(event=placed, occurred_at=NOON, who=Who(), stream=order)))
    shipped = [
        said(Draft(event=OrderShipped(), occurred_at=NOON, who=Who(anonymous=visitor), stream=o))
        for o in orders
    ]
    event_log.append(shipped[0])
    told = Recognition(visitor=visitor, user=ADA, occurred_at=NOON)
    later = said(of(ADA, CustomerRegistered()), recognition=told)
    for future in [event_log.submit(append) for append in (shipped[1], later)]:
        future.result()
    assert [reader.customer_of(order) for order in orders] == [ADA, ADA]
    end = reader.last()
    assert set(reader.origins_of(ADA, at=end)) == {ADA, visitor, *orders}
    assert reader.origins_of(visitor, at=end) == [visitor]
    assert {who for chunk in reader.scan([0], 1, upto=end) for who, _ in chunk} == {ADA}
    before = max(f.position for f in reader.read(0, 99) if isinstance(f.event, VisitorRecognised))
    assert set(reader.origins_of(visitor, at=before)) == {visitor, *orders}
    event_log.append(
        said(Draft(event=OrderShipped(), occurred_at=NOON, who=Who(user=ADA), stream=orders[0]))
    )
    last = reader.read(0, 99)[-1]
    assert (last.origin, last.subject) == (orders[0], ADA)


def test_that_an_order_is_told_of_another_customer_is_recorded(
    event_log: EventLog, reader: LogReader
) -> None:
    order, visitor = IDS.order("shop", "1001"), IDS.anonymous("shop", "v")
    bob = IDS.user("shop", "bob")

    def shipped(who: Who) -> int:
        """Tell of the order; return how many facts were recorded."""
        other = OrderToldOfAnotherCustomer(identity=who.user or ADA)
        told = Draft(event=OrderShipped(), occurred_at=NOON, who=who, stream=order)
        of_other = Draft(event=other, occurred_at=NOON, who=who, stream=order, of_another=True)
        return event_log.append(said(told, of_other)).recorded

    known = Recognition(visitor=visitor, user=ADA, occurred_at=NOON)
    assert shipped(Who(anonymous=visitor)) == 1
    assert shipped(Who(user=ADA)) == 2
    event_log.append(said(of(ADA, CustomerRegistered()), recognition=known))
    assert shipped(Who(user=ADA)) == 1
    assert shipped(Who(user=bob)) == 2
    last = reader.read(0, 99)[-1]
    assert last.event == OrderToldOfAnotherCustomer(identity=bob)
    assert (last.stream, last.origin, last.subject) == (order, visitor, ADA)
