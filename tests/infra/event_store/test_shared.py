"""What all views share is read by an index that behaviour of nobody's is not in."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from infra.event_store.reader import OF_NOBODY
from infra.migrations import known, migrate
from infra.postgres import OWNER, Connection, connect

ROOM = 5_000_000
NOTHING_ELSE, ALL_NOBODYS = (10, 0), (10, 990)
BEFORE = [name for name in known() if name < "0020"]

_FILL = """
insert into log.fact
select %(start)s + n, gen_random_uuid(), 1,
  case when n > 1000 then 'order.paid' when n %% 100 = 0 then 'campaign.drafted'
       else 'activity.tracked' end,
  1, 'shop', 'site', case when n > 1000 then gen_random_uuid() end, null,
  now(), now(), 'key', 'k', '', null, '{}'
from generate_series(1, 5000) n
"""
_HEAD = """
insert into log.batch (position, recorded_at, facts, token, chain)
values (%s, now(), 5000, gen_random_uuid(), '')
"""
_SHARED = "select inhrelid::regclass::text from pg_inherits where inhparent = %s::regclass"


def fill(owner: Connection, *parts: int) -> None:
    """Have orders, much of nobody's behaviour, and a little that is shared, in some partitions."""
    for part in parts:
        head = part * ROOM + 5_000
        owner.execute("select log.ensure_room(%s, now())", (head,))
        owner.execute(_FILL, {"start": part * ROOM})
        owner.execute(_HEAD, (head,))
    owner.execute("analyze log.fact")


def looks(owner: Connection) -> Iterator[dict[str, Any]]:
    """Yield each step that looks into facts when it is asked for what all views share."""
    owner.execute("set enable_seqscan = off")
    row = owner.execute(
        f"explain (analyze, format json) {OF_NOBODY}".encode(),  # it is made of constants
        (100 * ROOM,),
    ).fetchone()
    assert row is not None
    told = row[0] if isinstance(row[0], list) else json.loads(row[0])
    waiting = [step["Plan"] for step in told]
    while waiting:
        step = waiting.pop()
        waiting += step.get("Plans", [])
        if "Relation Name" in step:
            yield step


def read(owner: Connection) -> dict[str, tuple[int, int]]:
    """Return of each partition how many rows were wanted, and how many were read for nothing."""
    return {
        step["Relation Name"]: (step["Actual Rows"], step.get("Rows Removed by Filter", 0))
        for step in looks(owner)
        if step["Actual Rows"]
    }


def indexes(owner: Connection, of: str) -> set[str]:
    """Return in which partitions' indexes one of the whole log's lives."""
    return {name for (name,) in owner.execute(_SHARED, (of,)).fetchall()}


def test_behaviour_of_nobodys_is_not_read_past(database_url: str) -> None:
    with closing(connect(database_url, OWNER)) as owner:
        fill(owner, 0, 1)
        assert read(owner) == {"fact_0": NOTHING_ELSE, "fact_1": NOTHING_ELSE}
        assert len(indexes(owner, "log.fact_shared")) == 3
        assert owner.execute("select to_regclass('log.fact_nobody')").fetchone() == (None,)


def test_a_small_log_has_it_at_once(bare_database_url: str) -> None:
    migrate(bare_database_url, only=BEFORE)
    with closing(connect(bare_database_url, OWNER)) as owner:
        fill(owner, 0)
        assert read(owner) == {"fact_0": ALL_NOBODYS}
        migrate(bare_database_url)
        assert read(owner) == {"fact_0": NOTHING_ELSE}
        assert owner.execute("select to_regclass('log.fact_nobody')").fetchone() == (None,)


def test_old_partitions_keep_theirs_until_they_are_indexed(bare_database_url: str) -> None:
    migrate(bare_database_url, only=BEFORE)
    with closing(connect(bare_database_url, OWNER)) as owner:
        fill(owner, 0, 1, 2)
        migrate(bare_database_url)
        old = {"fact_0": ALL_NOBODYS, "fact_1": ALL_NOBODYS}
        assert read(owner) == {**old, "fact_2": NOTHING_ELSE}
        fill(owner, 3)
        assert read(owner) == {**old, "fact_2": NOTHING_ELSE, "fact_3": NOTHING_ELSE}
        left = [owner.execute("select log.index_shared()").fetchone() for _ in range(3)]
        assert left == [(1,), (0,), (0,)]
        assert set(read(owner).values()) == {NOTHING_ELSE}
        valid = "select indisvalid from pg_index where indexrelid = 'log.fact_shared'::regclass"
        assert owner.execute(valid).fetchone() == (True,)
        assert owner.execute("select to_regclass('log.fact_nobody')").fetchone() == (None,)
        fill(owner, 4)
        assert len(read(owner)) == 5


@pytest.mark.parametrize("part", [0, 7])
def test_a_new_partition_has_one_index_for_it(database_url: str, part: int) -> None:
    with closing(connect(database_url, OWNER)) as owner:
        fill(owner, part)
        found = owner.execute(
            "select indexdef from pg_indexes where schemaname = 'log' and tablename = %s "
            "and indexdef like '%%origin IS NULL%%'",
            (f"fact_{part}",),
        ).fetchall()
    ((definition,),) = found
    assert "!~~ 'activity.%'" in definition
