"""What the customers of a made-up shop do, as its site's SDK tells it; the same for one seed."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

Message = dict[str, Any]

CATEGORIES: Final = ("tea", "coffee", "cups", "kettles", "books", "gifts", "sweets", "honey")
PRODUCTS: Final = 2_000

VISITORS: Final = 500
"""How many are in the shop at one time."""
VISIT: Final = 8
"""Events of a visit, on average."""

_DEEDS: Final = ("Product Viewed", "Product Added", "page", "order", "identify")
_OF_100: Final = (70, 80, 86, 96, 100)

_CONTEXT: Final = {
    "library": {"name": "analytics.js", "version": "2.11.1"},
    "locale": "en-GB",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
}


def messages(  # what a story is made of
    count: int,
    *,
    customers: int,
    seed: str,
    ending: datetime,
    lasting: timedelta,
) -> Iterator[Message]:
    """Yield messages in order of time, evenly over the time before `ending`.

    Customers come for visits of about eight events, hundreds of them at the same time.
    Of 100, about 70 are views of a product, 10 products put into a cart, 6 pages, 10 orders of one
    to three lines, 4 identify calls.
    """
    chance = random.Random(seed)  # noqa: S311  # a story, not a secret
    step = lasting / max(1, count)
    begin = ending - lasting
    visitors = [chance.randrange(customers) for _ in range(VISITORS)]
    for number in range(count):
        place = chance.randrange(VISITORS)
        if chance.randrange(VISIT) == 0:
            visitors[place] = chance.randrange(customers)
        customer = visitors[place]
        message = {
            "messageId": f"{seed}-{number}",
            "userId": f"c{customer}",
            "timestamp": (begin + step * number).astimezone(UTC).isoformat(),
            "context": _CONTEXT,
        }
        yield message | _deed(chance, number, customer, seed)


def _deed(chance: random.Random, number: int, customer: int, seed: str) -> Message:
    match chance.choices(_DEEDS, cum_weights=_OF_100)[0]:
        case "order":
            return _order(chance, f"{seed}-{number}")
        case "identify":
            traits = {
                "email": f"customer{customer}@example.com",
                "name": f"Customer {customer}",
                "plan": chance.choice(("gold", "silver", "none")),
            }
            return {"type": "identify", "traits": traits}
        case "page":
            return {"type": "page", "name": "Home", "properties": {"path": "/", "title": "Welcome"}}
        case event:
            return {"type": "track", "event": event, "properties": _product(chance)}


def _order(chance: random.Random, id: str) -> Message:
    lines = [
        _product(chance) | {"quantity": chance.randint(1, 3)} for _ in range(chance.randint(1, 3))
    ]
    properties = {
        "order_id": id,
        "currency": "USD",
        "total": sum(line["quantity"] * line["price"] for line in lines),
        "products": lines,
    }
    return {"type": "track", "event": "Order Completed", "properties": properties}


def _product(chance: random.Random) -> Message:
    number = chance.randrange(PRODUCTS)
    category = CATEGORIES[number % len(CATEGORIES)]
    return {
        "product_id": f"p{number}",
        "sku": f"SKU-{number:05}",
        "name": f"{category.title()} number {number}",
        "category": category,
        "price": 1 + number % 90 + 0.5,
    }
