"""A profile adds up orders, and counts tickets, as they now stand."""

from decimal import Decimal

from domain.order.events import (
    Line,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    OrderToldOfAnotherCustomer,
)
from domain.shared.channel import Channel
from domain.ticket.events import (
    Author,
    TicketClosed,
    TicketKind,
    TicketMessageAdded,
    TicketOpened,
    TicketReopened,
    TicketResolved,
)
from projections.profile.projection import profile
from projections.profile.tables import (
    CATEGORY,
    ORDER,
    TICKET,
    Turnover,
)
from tests.projections.profile.story import (
    IDS,
    day,
    fact,
    folded,
    order,
    row_of,
    story,
    ticket,
    told,
)


def placed(number: str, *lines: Line, currency: str = "USD") -> OrderPlaced:
    return OrderPlaced(number=number, currency=currency, total=Decimal(30), lines=lines)


def paid(amount: str, currency: str = "USD") -> OrderPaid:
    return OrderPaid(amount=Decimal(amount), currency=currency)


def refunded(amount: str | None) -> OrderRefunded:
    return OrderRefunded(amount=None if amount is None else Decimal(amount), currency="USD")


def line(category: str, quantity: int) -> Line:
    return Line(
        product=category, category=category, quantity=Decimal(quantity), unit_price=Decimal(1)
    )


def opened(number: str) -> TicketOpened:
    return TicketOpened(
        number=number, kind=TicketKind.COMPLAINT, channel=Channel.PHONE, about="cracked cup"
    )


def test_an_order_paid_is_a_purchase() -> None:
    row = told(
        (0, placed("1"), order("1")), (1, placed("2"), order("2")), (2, paid("30"), order("1"))
    )
    assert (row.orders, row.purchases, row.paid, row.net) == (2, 1, Decimal(30), Decimal(30))


def test_a_refund_lowers_the_net_and_not_the_purchases() -> None:
    row = told(
        (0, placed("1"), order("1")),
        (0, paid("30"), order("1")),
        (1, paid("10"), order("2")),
        (2, refunded(None), order("1")),
        (3, OrderCancelled(), order("1")),
    )
    assert row.purchases == 2
    assert [row.paid, row.refunded, row.net] == [40, 30, 10]
    assert row.average == 5


def test_a_payment_reported_twice_is_one() -> None:
    row = told((0, paid("30"), order("1")), (1, paid("31"), order("1")))
    assert row.purchases == 1
    assert row.paid == 31


def test_the_currency_is_the_first_dealt_in_and_others_stand_apart() -> None:
    facts = story(
        (5, paid("30"), order("1")),
        (6, paid("7", "EUR"), order("2")),
        (6, paid("8", "EUR"), order("3")),
    )
    row = row_of(facts)
    assert row.currency == "USD"
    assert row.paid == row.average == 30
    assert row.other_currencies == {"EUR": Turnover(paid=Decimal(15), purchases=2)}
    earlier = row_of([*facts, fact(9, 1, paid("1", "EUR"), order("4"))])
    assert earlier.currency == "EUR"
    assert earlier.paid == 16
    assert earlier.average == Decimal("5.33")
    assert earlier.other_currencies == {"USD": Turnover(paid=Decimal(30), purchases=1)}


def test_the_favourite_is_the_category_with_most_units_bought() -> None:
    facts = story(
        (0, placed("1", line("tea", 2), line("cups", 3)), order("1")),
        (0, placed("2", line("tea", 9)), order("2")),
        (1, paid("30"), order("1")),
    )
    assert row_of(facts).favourite_category == "cups"
    bought = folded(profile, [*facts, fact(9, 2, paid("9"), order("2"))])
    assert {r.category: r.units for r in bought.all(CATEGORY).values()} == {"tea": 11, "cups": 3}


def test_of_equal_categories_the_first_by_name_is_the_favourite() -> None:
    row = told(
        (0, placed("1", line("tea", 2), line("cups", 2)), order("1")), (1, paid("9"), order("1"))
    )
    assert row.favourite_category == "cups"


def test_each_order_stands_as_it_is_now() -> None:
    rows = folded(
        profile,
        story(
            (0, placed("1001"), order("1001")),
            (1, paid("31"), order("1001")),
            (2, OrderShipped(), order("1001")),
            (3, refunded("5"), order("7")),
        ),
    )
    shipped, unknown = rows.get(ORDER, order("1001")), rows.get(ORDER, order("7"))
    assert shipped is not None
    assert unknown is not None
    assert (shipped.number, shipped.status, shipped.shipped_at) == ("1001", "shipped", day(2))
    assert shipped.flags == ("paid-above-total",)
    assert (unknown.status, unknown.flags) == ("reported", ("refund-without-order",))


def test_an_order_told_of_somebody_else_stays_and_is_flagged() -> None:
    other = OrderToldOfAnotherCustomer(identity=IDS.user("tea", "bob"))
    said = story((0, placed("1001"), order("1001")), (1, other, order("1001")))
    row = folded(profile, said).get(ORDER, order("1001"))
    assert row is not None
    assert row.flags == ("told-of-another-customer",)


def test_open_tickets_are_those_neither_resolved_nor_closed() -> None:
    said = [
        (0, opened("7"), ticket("7")),
        (0, opened("8"), ticket("8")),
        (1, TicketResolved(outcome="replaced"), ticket("7")),
        (2, TicketClosed(), ticket("8")),
    ]
    assert told(*said).open_tickets == 0
    assert told(*said, (3, TicketReopened(reason="again"), ticket("7"))).open_tickets == 1
    assert told(*said, (0.5, TicketReopened(reason="again"), ticket("7"))).open_tickets == 0


def test_a_ticket_keeps_when_anybody_last_wrote() -> None:
    rows = folded(
        profile,
        story(
            (0, opened("7"), ticket("7")),
            (2, TicketMessageAdded(author=Author.AGENT, text="we look"), ticket("7")),
            (1, TicketMessageAdded(author=Author.CUSTOMER, text="hello?"), ticket("7")),
        ),
    )
    row = rows.get(TICKET, ticket("7"))
    assert row is not None
    assert (row.kind, row.channel, row.last_message_at) == ("complaint", "phone", day(2))
