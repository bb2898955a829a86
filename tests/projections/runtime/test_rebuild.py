"""A view is rebuilt beside the one that is served, compared, and swapped while it serves."""

import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import psycopg
import pytest

from domain.shared import hands
from infra.event_store import scanning
from projections.runtime import build, schema
from projections.runtime.batch import Goal
from projections.runtime.build import Builder, Part
from projections.runtime.compare import Compared, Difference
from projections.runtime.live import Moved
from projections.runtime.rebuild import Rebuild, RebuildRunning, Rebuilt
from projections.runtime.schema import Generation
from tests.projections.histories import SLOTS
from tests.projections.runtime.shop import Shop
from tests.projections.runtime.tiny import tiny

pytestmark = pytest.mark.slow

Then = Callable[[], object]


def rebuild(
    shop: Shop,
    decide: Callable[[Compared], bool] = lambda _compared: True,
    meanwhile: Then = lambda: None,
) -> Rebuilt:
    """Rebuild in this process; `meanwhile` happens once the parts are built."""

    def build(parts: Sequence[Part]) -> Iterable[bytes]:
        builder = Builder(shop.connect(), tiny, shop.sealer, shop.reader, lambda _facts: None)
        shared = [builder.build(part) for part in parts]
        meanwhile()
        return shared

    return Rebuild(shop.connect, tiny, shop.sealer, shop.reader, SLOTS).run(build, decide)


def schemas(shop: Shop) -> set[str]:
    found = shop.connection.execute("select nspname from pg_namespace where nspname like 'tiny%'")
    return {row[0] for row in found}


def busy_year(shop: Shop) -> None:
    shop.email("ada", "ada@example.com")
    shop.email(None, "v@example.com", visitor="v1")
    shop.draft("spring")
    for n in range(40):
        shop.pay(f"user{n % 9}", f"o{n}", n)
    shop.recognise("v1", "user1")
    shop.adopt(30)


@pytest.mark.parametrize("facts_in_a_hand", [250_000, 5])
def test_the_new_rows_are_those_of_the_old(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, facts_in_a_hand: int
) -> None:
    monkeypatch.setattr(hands, "FACTS_IN_A_HAND", facts_in_a_hand)
    live = shop.live()
    busy_year(shop)
    shop.follow(live)
    before = shop.shown()
    made = rebuild(shop)
    assert (made.compared.different, made.compared.why_not, made.swapped) == (0, None, True)
    assert made.compared.rows == sum(map(len, before.values()))
    assert shop.shown() == before
    assert schemas(shop) == {"tiny_v1_2"}
    report = shop.verify()
    assert (report.different, report.facts, report.rows) == (
        0,
        shop.reader.last(),
        made.compared.rows,
    )


@pytest.mark.parametrize(("laid", "once"), [(125_000, True), (1, False)])
def test_what_is_told_of_one_lies_side_by_side(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, laid: int, *, once: bool
) -> None:
    monkeypatch.setattr(scanning, "SCANNED", 5)
    monkeypatch.setattr(build, "LAID", laid)
    live = shop.live()
    busy_year(shop)
    shop.follow(live)
    before = shop.shown()
    rebuild(shop)
    assert shop.shown() == before
    subjects = {subject for subject, *_ in before["story"]}
    assert (runs(shop, "tiny_v1_2.story") == len(subjects)) is once


def runs(shop: Shop, table: str) -> int:
    """Return how often another subject follows, as the rows lie."""
    found = shop.connection.execute(f"select subject from {table} order by ctid".encode())  # noqa: S608  # the test names it
    return len(list(groupby(found.fetchall())))


def test_a_view_that_an_older_version_kept_is_rebuilt_by_the_rules_of_today(shop: Shop) -> None:
    live = shop.live()
    busy_year(shop)
    shop.follow(live)
    before = shop.shown()
    for older in (
        "alter schema tiny_v1 rename to tiny_v0",
        "alter table tiny_v0.tally drop column awake cascade",
        "update views.active set version = 0, schema = 'tiny_v0' where view = 'tiny'",
        "update views.checkpoint set version = 0, shared = 'other' where view = 'tiny'",
    ):
        shop.connection.execute(older.encode())
    made = rebuild(shop)
    assert (made.compared.why_not, made.swapped) == ("version 0 has other tables", True)
    assert shop.shown() == before
    assert schemas(shop) == {"tiny_v1"}


def test_what_differs_is_found_in_every_hand(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "FACTS_IN_A_HAND", 5)
    live = shop.live()
    busy_year(shop)
    shop.follow(live)
    tallies = len(shop.shown()["tally"])
    shop.connection.execute("update tiny_v1.tally set facts = facts + 1")
    assert shop.verify().different == tallies
    shop.connection.execute("delete from tiny_v1.tally")
    assert shop.verify().different == tallies


def test_what_happens_meanwhile_is_in_the_new_rows(shop: Shop) -> None:
    live = shop.live()
    busy_year(shop)
    shop.follow(live)

    def meanwhile() -> None:
        shop.pay("ada", "late", 99)
        shop.recognise("v2", "ada")
        shop.adopt(10)
        shop.follow(live)
        shop.pay("ada", "later", 99)

    made = rebuild(shop, meanwhile=meanwhile)
    assert (made.compared.different, made.compared.why_not) == (0, None)
    assert shop.verify().different == 0
    assert (shop.user("ada"), shop.ids.order("tea", "later"), "payment") in shop.shown()["payment"]


def test_a_stale_worker_cannot_write_after_the_swap(shop: Shop) -> None:
    live = shop.live()
    busy_year(shop)
    shop.follow(live)
    places = live.places(range(SLOTS))
    rebuild(shop)
    head = shop.pay("ada", "late", 1)
    goal = Goal(position=head, clock=shop.reader.head().clock)
    with pytest.raises(Moved):
        live.apply(shop.reader.read(0, 100), places, dict.fromkeys(places, goal))
    live.attach()
    shop.follow(live)
    assert shop.verify().different == 0


def test_differences_are_shown_before_anything_is_swapped(shop: Shop) -> None:
    live = shop.live()
    busy_year(shop)
    shop.follow(live)
    shop.connection.execute("update tiny_v1.tally set facts = 77 where facts = 1")
    seen: list[Difference] = []

    def decide(compared: Compared) -> bool:
        seen.extend(compared.differences)
        return False

    made = rebuild(shop, decide)
    assert {(d.table, d.column, d.live, d.replayed) for d in seen} == {("tally", "facts", 77, 1)}
    assert not made.swapped
    assert schemas(shop) == {"tiny_v1"}
    assert rebuild(shop).swapped
    assert shop.verify().different == 0


def test_one_rebuild_at_a_time(shop: Shop) -> None:
    shop.live()

    def another() -> None:
        with pytest.raises(RebuildRunning):
            rebuild(shop)

    assert rebuild(shop, meanwhile=another).swapped


def test_what_an_aborted_rebuild_leaves_is_removed(shop: Shop) -> None:
    live = shop.live()
    busy_year(shop)
    shop.follow(live)
    with shop.connection.transaction():
        schema.create(shop.connection, tiny, Generation.of(tiny, 2), SLOTS)
    assert schemas(shop) == {"tiny_v1", "tiny_v1_2"}
    assert rebuild(shop).swapped
    assert schemas(shop) == {"tiny_v1_2"}


def test_a_rebuild_that_fails_leaves_what_is_served(shop: Shop) -> None:
    live = shop.live()
    busy_year(shop)
    shop.follow(live)

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rebuild(shop, meanwhile=fail)
    assert schemas(shop) == {"tiny_v1"}
    assert shop.connection.execute("select state from views.rebuild").fetchone() == ("failed",)
    assert shop.verify().different == 0


def test_a_view_that_lags_is_rebuilt_without_being_compared(shop: Shop) -> None:
    shop.live()
    busy_year(shop)
    made = rebuild(shop)
    assert made.swapped
    assert made.compared.why_not is not None
    assert shop.verify().position == shop.reader.head().position


def test_readers_are_served_all_the_time(shop: Shop) -> None:
    live = shop.live()
    busy_year(shop)
    shop.follow(live)
    wanted = len(shop.shown()["tally"])
    counts: set[int] = set()
    errors: list[psycopg.Error] = []
    stop = threading.Event()

    def read() -> None:
        with shop.connect() as connection:
            while not stop.is_set():
                try:
                    row = connection.execute("select count(*) from huike.tally").fetchone()
                    counts.add(row[0] if row else -1)
                except psycopg.Error as error:
                    errors.append(error)

    reading = threading.Thread(target=read)
    reading.start()
    try:
        assert rebuild(shop).swapped
        assert rebuild(shop).swapped
    finally:
        stop.set()
        reading.join(20)
    assert errors == []
    assert counts == {wanted}
    assert schemas(shop) == {"tiny_v1_3"}
