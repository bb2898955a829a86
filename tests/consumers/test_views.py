"""Workers keep the views live from the log; slots move between them by lease."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from consumers.keeper import LogWentBack
from consumers.views import run_views
from domain.order.events import OrderPaid
from domain.shared.events import Fact
from infra.event_store import LogReader
from infra.postgres import VIEWS as VIEWS_ROLE
from infra.postgres import Impatient
from infra.settings import Settings
from projections.projection import slot_of
from projections.rows import Rows
from projections.runtime import schema
from tests.consumers.following import VIEWS, eventually, position, process, wait_for, worker
from tests.projections.histories import SLOTS
from tests.projections.runtime.shop import Shop
from tests.projections.runtime.tiny import tiny
from tests.stalling import copying

pytestmark = pytest.mark.slow


def test_a_worker_follows_the_log(shop: Shop, settings: Settings) -> None:
    for n in range(50):
        shop.pay(f"user{n % 7}", f"o{n}", n)
    with worker(settings):
        wait_for(shop, shop.reader.head().position)
        wait_for(shop, shop.pay("late", "o99", 1))
    assert shop.verify().different == 0


def test_a_worker_that_is_idle_lets_time_pass(shop: Shop, settings: Settings) -> None:
    soon = timedelta(days=90) - timedelta(seconds=1.5)
    with worker(settings):
        wait_for(shop, shop.pay("ada", "o1", 1, ago=soon))
        eventually(lambda: not shop.shown()["tally"][(shop.user("ada"),)].awake, "ada falls asleep")


@pytest.mark.slow
def test_two_workers_share_the_slots_and_one_takes_over(shop: Shop, settings: Settings) -> None:
    def holders() -> set[str]:
        rows = shop.connection.execute(
            "select worker from views.lease where until > clock_timestamp()"
        ).fetchall()
        return {row[0] for row in rows} if len(rows) == SLOTS else set()

    with process(settings) as first:
        eventually(lambda: len(holders()) == 1, "one worker holds all slots")
        with worker(settings):
            eventually(lambda: len(holders()) == 2, "two workers share the slots")
            for n in range(40):
                shop.pay(f"user{n}", f"o{n}", n)
            wait_for(shop, shop.reader.head().position)
            first.kill()
            for n in range(40):
                shop.pay(f"user{n}", f"p{n}", n)
            wait_for(shop, shop.reader.head().position)
    assert shop.verify().different == 0


@pytest.mark.slow
def test_a_worker_killed_at_any_moment_loses_nothing(shop: Shop, settings: Settings) -> None:
    for n in range(300):
        shop.pay(f"user{n % 20}", f"o{n}", n)
    for _ in range(2):
        with process(settings) as killed:
            before = position(shop)
            eventually(lambda: position(shop) > before, "it goes on")  # noqa: B023  # called now
            killed.kill()
        for n in range(50):
            shop.pay(f"user{n % 20}", f"p{n}", n)
    with worker(settings):
        wait_for(shop, shop.reader.head().position)
    assert shop.verify().different == 0


def test_a_worker_that_stalls_while_it_copies_rows_holds_up_nobody(
    shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Impatient, "patience", 2.0)
    with worker(settings):
        wait_for(shop, shop.pay("ada", "o1", 1))
        held = "select from views.checkpoint limit 1 for update"
        url = settings.views_or_log_url or ""
        with copying(url, VIEWS_ROLE, "views.checkpoint", "begin", held):
            wait_for(shop, shop.pay("ada", "o2", 2))
    assert shop.verify().different == 0


def test_a_poisoned_fact_stops_its_slot_alone(
    shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = tiny.fold

    def refuse(rows: Rows, fact: object) -> None:
        if isinstance(event := getattr(fact, "event", None), OrderPaid) and event.amount == 13:
            raise ValueError("thirteen")
        fold(rows, fact)  # type: ignore[arg-type]  # it is a fact

    monkeypatch.setattr(tiny, "fold", refuse)
    bad = slot_of(shop.user("ada"), SLOTS)
    shop.pay("ada", "o1", 1)
    poison = shop.pay("ada", "o2", 13)
    others = [f"user{n}" for n in range(20) if slot_of(shop.user(f"user{n}"), SLOTS) != bad]
    last = [shop.pay(user, f"o-{user}", 1) for user in others][-1]

    def places() -> dict[int, int]:
        return dict(
            shop.connection.execute("select slot, position from huike.checkpoint").fetchall()
        )

    with worker(settings):
        eventually(lambda: {p for s, p in places().items() if s != bad} == {last}, "others go on")
    assert places()[bad] == poison - 1
    found = shop.connection.execute("select slot, position, type, why from views.trouble")
    assert found.fetchall() == [(bad, poison, "order.paid", "ValueError: thirteen")]
    assert shop.verify().different == 0
    monkeypatch.setattr(tiny, "fold", fold)
    with worker(settings):
        wait_for(shop, last)
        eventually(
            lambda: shop.connection.execute("select from views.trouble").rowcount == 0,
            "all is well",
        )
    assert shop.verify().different == 0


def test_a_server_that_is_lost_while_a_past_is_read_is_no_fault_of_the_fact(
    shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = LogReader.of_origins
    lost: list[Any] = []

    def lose(*asked: Any, **more: Any) -> Sequence[Fact]:
        if not lost:
            lost.append(asked)
            raise psycopg.OperationalError("the server went away")
        return read(*asked, **more)

    monkeypatch.setattr(LogReader, "of_origins", lose)
    shop.email(None, "v@example.com", visitor="v1")
    with worker(settings):
        wait_for(shop, shop.recognise("v1", "ada"))
    assert lost
    assert shop.connection.execute("select from views.trouble").rowcount == 0
    assert shop.verify().different == 0


def test_rows_that_cannot_be_written_stop_their_slot_alone(shop: Shop, settings: Settings) -> None:
    with worker(settings):
        wait_for(shop, shop.pay("ada", "o1", 1))
    shop.connection.execute("alter table tiny_v1.payment add check (amount <> 13)")
    bad = slot_of(shop.user("ada"), SLOTS)
    shop.pay("ada", "o2", 12)
    poison = shop.pay("ada", "o3", 13)
    shop.pay("ada", "o4", 14)
    last = [shop.pay(f"user{n}", f"p{n}", n) for n in range(30, 60)][-1]
    places = "select slot, position from huike.checkpoint"
    with worker(settings):
        eventually(
            lambda: {p for s, p in shop.connection.execute(places) if s != bad} == {last},
            "others go on",
        )
    found = shop.connection.execute("select slot, position, subject, type from views.trouble")
    assert found.fetchall() == [(bad, poison, shop.user("ada"), "order.paid")]
    assert dict(shop.connection.execute(places).fetchall())[bad] == poison - 1
    assert shop.verify().different == 0


def test_a_log_that_went_back_is_noticed(shop: Shop, settings: Settings) -> None:
    with worker(settings):
        wait_for(shop, shop.pay("ada", "o1", 1))
    shop.connection.execute("update views.checkpoint set position = position + 100 where slot = 2")
    with worker(settings):
        eventually(
            lambda: shop.connection.execute("select from views.trouble").rowcount == 1, "noticed"
        )
    found = shop.connection.execute("select slot, why from views.trouble").fetchone()
    assert found == (2, f"LogWentBack: {LogWentBack.__doc__}")


def test_another_number_of_slots_is_refused(shop: Shop, settings: Settings) -> None:
    with worker(settings):
        wait_for(shop, shop.pay("ada", "o1", 1))
    other = settings.model_copy(update={"slots": SLOTS + 1})
    with pytest.raises(schema.OtherSlots):
        run_views(other, threading.Event(), VIEWS)
