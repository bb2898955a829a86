"""What the amounts of an order must be before anybody decides on them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from domain.order.events import Line, OrderPlaced, OrderRevised, ReturnedLine
from domain.shared.money import LARGEST
from domain.shared.refusals import Malformed
from domain.shared.text import text

ZERO: Final = Decimal(0)
DECIMALS: Final = 8
"""No currency and no scale needs more of them."""


def checked(field: str, amount: Decimal, *, positive: bool = False) -> Decimal:
    """Return a finite amount of a sensible size, at least 0 (above 0 if `positive`), or refuse."""
    if not amount.is_finite():
        raise Malformed(field=field, why="is not a number")
    if amount < ZERO or (positive and amount == ZERO):
        raise Malformed(
            field=field, why=f"is {amount}, not {'above' if positive else 'at least'} 0"
        )
    if amount > LARGEST:
        raise Malformed(field=field, why=f"is above {LARGEST}, which must be a mistake")
    if int(amount.as_tuple().exponent) < -DECIMALS:
        raise Malformed(field=field, why=f"has more than {DECIMALS} decimals")
    return amount


def check_lines(lines: Iterable[Line]) -> None:
    """Refuse lines with an impossible product, quantity, price or discount."""
    for i, line in enumerate(lines):
        at = f"lines[{i}]"
        text(f"{at}.product", line.product)
        checked(f"{at}.quantity", line.quantity, positive=True)
        checked(f"{at}.unit_price", line.unit_price)
        checked(f"{at}.discount", line.discount)
        if amount_of(line) < ZERO:
            raise Malformed(field=f"{at}.discount", why="is more than the line comes to")


def check_returns(lines: Iterable[ReturnedLine]) -> None:
    """Refuse returned lines with an impossible product, quantity or amount."""
    for i, line in enumerate(lines):
        text(f"lines[{i}].product", line.product)
        checked(f"lines[{i}].quantity", line.quantity, positive=True)
        checked(f"lines[{i}].amount", line.amount)


def amount_of(line: Line) -> Decimal:
    return line.quantity * line.unit_price - line.discount


def sum_of(order: OrderPlaced | OrderRevised) -> Decimal:
    """Return what the parts of an order make: lines − discount + shipping + tax."""
    lines = sum((amount_of(line) for line in order.lines), ZERO)
    return lines - order.discount + order.shipping + order.tax


def quantities(lines: Iterable[Line | ReturnedLine]) -> dict[str, Decimal]:
    """Return how many of each product the lines hold."""
    held: dict[str, Decimal] = {}
    for line in lines:
        held[line.product] = held.get(line.product, ZERO) + line.quantity
    return held
