"""A made-up campaign with a control group and a known effect, on made-up customers of its own.

The sample has no control groups, so nothing in it can show an uplift. Here the truth is known:
`CONTROL_RATE` of the control arm buys within seven days, `TREATED_RATE` of the treated arm.

Who plays which part is found by the campaign's own draw, which differs with an installation's ids;
what the parts are is fixed, so that all installations show the same figures.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final, NamedTuple

from consumers.demo.journey import Message

SEED: Final = 20171231
CUSTOMERS: Final = 2_000
CONTROL_SHARE: Final = Decimal("0.2")
CONTROL_RATE: Final = 0.10
TREATED_RATE: Final = 0.16
CODE: Final = "simulated-win-back"
NAME: Final = "Simulated: win-back coupon, true effect +6 points"

_FIRST: Final = ("Ada", "Bo", "Chen", "Dara", "Emil", "Fang", "Gita", "Hana", "Ivo", "Jun")
_LAST: Final = ("Arden", "Brook", "Cheng", "Dahl", "Engel", "Frost", "Gao", "Holm", "Ito", "Jain")


class Player(NamedTuple):
    """A made-up customer, and whether it is sent the message."""

    user: str
    treated: bool


def cast(is_held_out: Callable[[str], bool]) -> list[Player]:
    """Return who plays each part: of names made up in order, those that the draw puts there."""
    names = map("simulated-{}".format, count(1))
    idle: dict[bool, deque[str]] = {True: deque(), False: deque()}
    players = []
    for part in range(CUSTOMERS):
        held_out = int((part + 1) * CONTROL_SHARE) > int(part * CONTROL_SHARE)
        while not idle[held_out]:
            name = next(names)
            idle[is_held_out(name)].append(name)
        players.append(Player(idle[held_out].popleft(), treated=not held_out))
    return players


def customers(anchor: datetime, players: Sequence[Player]) -> Iterator[Message]:
    """Yield an identify and an old order for each made-up customer."""
    chance = random.Random(SEED)  # noqa: S311  # a reproducible simulation
    for user, _ in players:
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        since = anchor - timedelta(days=chance.uniform(100, 300))
        yield {
            "type": "identify",
            "messageId": f"{user}-known",
            "userId": user,
            "timestamp": since.isoformat(),
            "traits": {"name": f"{first} {last}", "email": f"{user}@example.com"},
        }
        yield _order(user, "before", since, chance)


def purchases(anchor: datetime, players: Sequence[Player]) -> Iterator[Message]:
    """Yield the orders of those who buy within seven days, and of some who buy later."""
    chance = random.Random(SEED + 1)  # noqa: S311  # a reproducible simulation
    for user, treated in players:
        rate = TREATED_RATE if treated else CONTROL_RATE
        converts, later = chance.random() < rate, chance.random() < CONTROL_RATE
        moment = anchor + timedelta(days=7 * chance.random() ** 1.5)
        if converts:
            yield _order(user, "within", moment, chance)
        elif later:
            yield _order(user, "after", moment + timedelta(days=7), chance)


def outcomes(anchor: datetime, players: Sequence[Player]) -> Iterator[dict[str, Any]]:
    """Yield what became of the messages after they were sent, as a sender reports it."""
    chance = random.Random(SEED + 2)  # noqa: S311  # a reproducible simulation
    for user in (player.user for player in players if player.treated):
        if chance.random() < 0.02:  # noqa: PLR2004  # a made-up share
            yield _outcome(user, "bounced", anchor + timedelta(seconds=5), permanent=True)
            continue
        delivered = anchor + timedelta(seconds=chance.uniform(1, 1200))
        yield _outcome(user, "delivered", delivered)
        if chance.random() < 0.08:  # noqa: PLR2004  # a made-up share
            yield _click(user, delivered, 300, "datacenter")
        if chance.random() < 0.2:  # noqa: PLR2004  # a made-up share
            yield _click(user, delivered, round(chance.uniform(60_000, 9e7)), "residential")


def _outcome(user: str, happened: str, moment: datetime, **more: Any) -> dict[str, Any]:
    return {"user": user, "happened": happened, "occurred_at": moment, **more}


def _click(user: str, delivered: datetime, delay_ms: int, address: str) -> dict[str, Any]:
    evidence = {"delay_ms": delay_ms, "address_class": address}
    moment = delivered + timedelta(milliseconds=delay_ms)
    return _outcome(user, "clicked", moment, link="coupon", evidence=evidence)


def _order(user: str, when: str, moment: datetime, chance: random.Random) -> Message:
    cents = chance.randint(1_500, 9_000)
    amount = f"{cents // 100}.{cents % 100:02d}"
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"{user}-{when}",
        "userId": user,
        "timestamp": moment.isoformat(),
        "properties": {
            "order_id": f"{user}-{when}",
            "total": amount,
            "currency": "USD",
            "products": [
                {"product_id": "simulated", "quantity": 1, "price": amount, "category": "SIMULATED"}
            ],
        },
    }
