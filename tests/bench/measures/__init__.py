"""The measures, in the order in which they are run; add one here."""

from collections.abc import Mapping
from typing import Final

from tests.bench.measure import Measure
from tests.bench.measures import (
    append,
    ask,
    audit,
    commands,
    curve,
    epoch,
    fresh,
    growth,
    late,
    lists,
    memory,
    partitions,
    policy,
    publish,
    rebuild,
    single,
)

MEASURES: Final[Mapping[str, Measure]] = {
    m.MEASURE.name: m.MEASURE
    for m in (
        append,
        partitions,
        commands,
        single,
        rebuild,
        publish,
        fresh,
        memory,
        late,
        ask,
        lists,
        curve,
        policy,
        epoch,
        audit,
        growth,
    )
}
