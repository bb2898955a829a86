"""What each process of the shop holds in memory, after everything that was asked of it before."""

from typing import Final

from tests.bench.ground import Ground
from tests.bench.measure import Figure, Goal, Measure, Side

_MEGABYTE: Final = 1_000_000


def run(ground: Ground) -> list[Figure]:
    shop = ground.shop
    assert shop.address
    facts = shop.head
    return [
        Figure(
            name=f"memory-{name}",
            about=f"resident memory of the {name}, {facts:,} facts in the log",
            unit="MB",
            ours=Side((process.memory / _MEGABYTE,)),
            goal=Goal("ours", "at most", 300),
        )
        for name, process in shop.processes.items()
    ]


MEASURE: Final = Measure("memory", "what each process holds in memory at a million facts", run)
