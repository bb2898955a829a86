"""What a campaign of a million recipients brought, with its curve."""

from typing import Final

from api.queries.deps import in_one_snapshot
from infra import clock
from projections.conversion import queries
from tests.bench.asking import timed
from tests.bench.ground import Ground
from tests.bench.measure import Figure, Measure, Side, at_most

ROUNDS: Final = 5

_MILLI: Final = 1e3


def run(ground: Ground) -> list[Figure]:
    shop = ground.million
    assert shop.served
    ground.say(f"the curve of {shop.customers:,} recipients")
    curve = in_one_snapshot(lambda c: queries.conversion(c, shop.campaign, clock.now()))
    with shop.connect() as connection:

        def ask(_number: int) -> None:
            found = curve(connection)
            assert found is not None
            assert sum(arm.recipients for arm in found.arms) == shop.customers

        took = timed(ask, range(ground.size(ROUNDS, 1) + 1))
    return [
        Figure(
            name="curve",
            about=f"funnel, curve, revenue and uplift of {shop.customers:,} recipients, now",
            unit="ms",
            ours=Side(tuple(seconds * _MILLI for seconds in took[1:])),
            goals=at_most(300),
        )
    ]


MEASURE: Final = Measure("curve", "the curve of a campaign of a million recipients", run, 0.1)
