"""One event a request, from many connections, until it is durable; a bare route that inserts."""

from statistics import median
from typing import Final

from tests.bench.ground import Ground
from tests.bench.load import Load, Published
from tests.bench.measure import (
    ROUNDS,
    Figure,
    Goal,
    Measure,
    Side,
    at_most,
    in_turn,
    share,
)
from tests.bench.processes import Process
from tests.ports import free_port

CONNECTIONS: Final = 64


def run(ground: Ground) -> list[Figure]:
    count = ground.size(12_000, 100)
    port = free_port()
    ours: list[Published] = []
    theirs: list[Published] = []
    with (
        ground.another_shop("single", ground.size(40_000, 100)) as shop,
        Process(
            "tests.bench.bare",
            str(port),
            ground.database(migrated=False),
            environment={},
            output=ground.folder / "bare",
        ) as bare,
        ground.publisher() as publish,
    ):
        bare.answers(port, "/bare/00000000-0000-0000-0000-000000000000")
        address = shop.running.serve()
        ground.say(f"{CONNECTIONS} connections, one event a request")

        def side(where: str, path: str, kept: list[Published], number: int) -> float:
            load = Load(
                address=where,
                key=shop.key,
                seed=f"single-{number}",
                count=count if number else count // 4,
                customers=shop.customers,
                batch=1,
                connections=CONNECTIONS,
                path=path,
            )
            published = publish(load).result()
            if number:
                kept.append(published)
            return published.rate

        mine, other = in_turn(
            lambda n: side(address, "", ours, n),
            lambda n: side(f"http://127.0.0.1:{port}", "/events", theirs, n),
            rounds=ground.size(ROUNDS, 1),
            warm_up=True,
        )
    against = "a FastAPI route that inserts one row and commits, pool of 16"
    load = median(published.driven.cpu for published in ours)
    return [
        Figure(
            name="single",
            about=f"requests of one event each over {CONNECTIONS} connections, answered durable",
            unit="requests/s",
            ours=mine,
            against=other,
            other=against,
            goals=(Goal("ratio", "at least", 3), Goal("ours", "at least", 5_000)),
            note=f"the load took {load:.0%} of a core",
        ),
        *(
            Figure(
                name=f"single-p{round(part * 100)}",
                about=f"how long such a request takes, p{round(part * 100)}",
                unit="ms",
                ours=_share(ours, part),
                against=_share(theirs, part),
                other=against,
                goals=at_most(30) if part > 0.9 else (),
            )
            for part in (0.5, 0.99)
        ),
    ]


def _share(rounds: list[Published], part: float) -> Side:
    return Side(tuple(share(published.driven.took, part) for published in rounds))


MEASURE: Final = Measure(
    "single", "one event a request over HTTP, against a bare route that inserts a row", run, 0.5
)
