"""A real shop's year, through the log and the live view: the worked answers."""

import csv
import lzma
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from domain.customer.events import CustomerRegistered
from domain.order.events import OrderPaid
from domain.shared.log import Actor, Append, Draft, Who
from projections.lifecycle.projection import lifecycle
from projections.lifecycle.queries import counts, what_if
from projections.lifecycle.stages import Policy, Stage
from tests.projections.runtime.shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MIDSUMMER = datetime(2011, 6, 1, tzinfo=UTC)
THE_END = datetime(2011, 12, 10, tzinfo=UTC)


class Invoice:
    """One purchase: at its earliest line's time, of the sum of its lines."""

    def __init__(self, customer: str, at: datetime) -> None:
        self.customer = customer
        self.at = at
        self.total = Decimal(0)


def invoices(shared_data: Path) -> dict[str, Invoice]:
    """Return the invoices that are somebody's, not cancelled, of quantities and prices above 0."""
    found: dict[str, Invoice] = {}
    lines = 0
    with lzma.open(shared_data / "online_retail" / "online_retail.csv.xz", "rt") as file:
        for line in csv.DictReader(file):
            number, customer = line["InvoiceNo"], line["CustomerID"]
            quantity, price = int(line["Quantity"]), Decimal(line["UnitPrice"])
            if not customer or number.startswith("C") or quantity <= 0 or price <= 0:
                continue
            at = datetime.fromisoformat(line["InvoiceDate"]).replace(tzinfo=UTC)
            invoice = found.setdefault(number, Invoice(customer, at))
            invoice.at = min(invoice.at, at)
            invoice.total += quantity * price
            lines += 1
    assert (lines, len(found)) == (397_884, 18_532)
    assert len({i.customer for i in found.values()}) == 4_338
    total = sum((i.total for i in found.values()), Decimal(0))
    assert total.quantize(Decimal("0.01")) == Decimal("8911407.90")
    return found


def said_of(shop: Shop, found: dict[str, Invoice]) -> Iterator[Draft]:
    for number, invoice in found.items():
        who = Who(user=shop.user(invoice.customer))
        yield Draft(event=CustomerRegistered(), occurred_at=invoice.at, who=who, first=True)
        paid = OrderPaid(amount=invoice.total, currency="GBP")
        order = shop.ids.order("tea", number)
        yield Draft(event=paid, occurred_at=invoice.at, who=who, stream=order)


def spread(of: dict[Stage, int]) -> tuple[int, ...]:
    bought = (Stage.NEW, Stage.WON_BACK, Stage.ACTIVE, Stage.SILENT, Stage.LOST)
    assert sum(of.values()) == sum(of[stage] for stage in bought)
    return tuple(of[stage] for stage in bought)


def test_the_stages_of_a_real_shop_are_as_published(shop: Shop, shared_data: Path) -> None:
    drafts = said_of(shop, invoices(shared_data))
    while facts := tuple(islice(drafts, 1_000)):
        shop.log.append(Append(facts=facts, actor=Actor("key", "tests"), shop="tea", source="erp"))
    shop.follow(shop.live(lifecycle), batch=5_000)

    midsummer = counts(shop.connection, MIDSUMMER)
    assert midsummer.customers == 2_718
    assert spread(midsummer.stages) == (280, 124, 1_555, 700, 59)
    end = counts(shop.connection, THE_END)
    assert end.customers == 4_338
    assert spread(end.stages) == (252, 316, 2_321, 588, 861)
    stricter = Policy(new_days=60, silent_after_days=45, lost_after_days=120, won_back_days=14)
    assert spread(what_if(shop.connection, THE_END, stricter).stages) == (
        597,
        234,
        1_342,
        945,
        1_220,
    )
    assert what_if(shop.connection, MIDSUMMER, Policy()) == midsummer
