"""The short form of every drill holds that is short enough for every run."""

from pathlib import Path

import pytest

from tests.drills.catalogue import DRILLS
from tests.drills.drill import Drill, Findings, Skipped
from tests.drills.ground import Ground

MARKS = {True: [pytest.mark.slow, pytest.mark.kafka], False: [pytest.mark.slow]}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "drill",
    [
        pytest.param(drill, id=name, marks=MARKS[drill.kafka])
        for name, drill in DRILLS.items()
        if drill.fits
    ],
)
def test_what_must_hold_holds(
    drill: Drill, server_folder: Path, request: pytest.FixtureRequest
) -> None:
    found = Findings(print)

    def kafka() -> str:
        given: str = request.getfixturevalue("kafka_bootstrap")
        return given

    try:
        with Ground(server_folder / drill.name, short=True, say=print, kafka=kafka) as ground:
            drill.run(ground, found)
    except Skipped as why:
        pytest.skip(str(why))
    assert found.held, "\n".join(map(str, found.claims))
