"""A page of customers among a million, by stage and tier, sorted every way."""

from itertools import product
from typing import Final

from projections.lifecycle.stages import Stage, Tier
from projections.profile import queries
from projections.profile.queries import Part, Sort, Wanted
from tests.bench.asking import timed
from tests.bench.ground import Ground
from tests.bench.measure import Figure, Measure, Side, at_most, share

ROUNDS: Final = 3
PAGE: Final = 50

_STAGES: Final = (Stage.NEW, Stage.ACTIVE, Stage.SILENT, Stage.LOST)
_TIERS: Final = (Tier.HIGH, Tier.GENERAL, Tier.LOW)
_MILLI: Final = 1e3


def run(ground: Ground) -> list[Figure]:
    shop = ground.million
    assert shop.served
    ground.say(f"pages of {PAGE} among {shop.customers:,}")
    asked = [
        (Wanted(stage=stage, tier=tier), Part(sort=sort, limit=PAGE))
        for stage, tier, sort in product(_STAGES, _TIERS, Sort)
    ]
    slowest = ("", 0.0)
    rounds = []
    with shop.connect() as connection:
        for number in range(ground.size(ROUNDS, 1) + 1):
            took = timed(lambda one: queries.some(connection, *one), asked)
            if number:
                rounds.append([seconds * _MILLI for seconds in took])
    for (wanted, part), seconds in zip(asked, rounds[-1], strict=True):
        if seconds > slowest[1]:
            slowest = (f"{wanted.stage}, {wanted.tier} by {part.sort}", seconds)
    about = f"{PAGE} of {shop.customers:,} customers by stage and tier, {len(asked)} lists sorted"
    return [
        Figure(
            name=f"list-{name}",
            about=f"{about} every way, {name}",
            unit="ms",
            ours=Side(tuple(share(took, part) for took in rounds)),
            goals=at_most(50) if name == "p99" else (),
            note=f"the slowest is {slowest[0]}" if name == "p99" else "",
        )
        for name, part in (("p50", 0.5), ("p99", 0.99))
    ]


MEASURE: Final = Measure("list", "a page of customers by stage and tier among a million", run, 0.2)
