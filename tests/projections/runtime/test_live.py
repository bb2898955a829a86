"""A view is kept live in transactions of rows and checkpoints."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.postgres import connect
from projections.projection import slot_of
from projections.runtime import schema
from projections.runtime.batch import Goal
from projections.runtime.live import LiveView, Moved
from projections.runtime.verify import Verifier
from tests.projections.histories import SLOTS, History, MemoryLog, histories
from tests.projections.memory import replay
from tests.projections.runtime.shop import Shop
from tests.projections.runtime.tiny import campaigns, payments, policies, tags, tiny, traits


def test_rows_come_back_as_they_were_folded(shop: Shop) -> None:
    live = shop.live()
    shop.email("ada", "ada@example.com")
    shop.tag("ada", "tea")
    shop.pay("ada", "o1", 12)
    shop.draft("spring")
    shop.follow(live)
    row = shop.shown()["tally"][(shop.user("ada"),)]
    assert (row.email, row.tags, row.paid) == ("ada@example.com", ("tea",), Decimal(12))
    assert list(shop.shown()["campaign"]) == [(shop.ids.campaign("tea", "spring"),)]


def test_what_is_personal_stands_sealed_in_the_table(shop: Shop) -> None:
    live = shop.live()
    shop.email("ada", "ada@example.com")
    shop.follow(live)
    stored = shop.connection.execute("select email from huike.tally").fetchone()
    assert stored is not None
    assert b"ada" not in stored[0]


def test_the_sealed_are_read_as_erased_once_their_key_is_gone(shop: Shop) -> None:
    live = shop.live()
    shop.email("ada", "ada@example.com")
    shop.follow(live)
    with connect(shop.url) as admin:
        admin.execute("update keeper.person_key set wrapped = null")
    with Shop.open(shop.url, shop.keyring) as later:
        again = later.live()
        later.tag("ada", "tea")
        later.follow(again)
        row = later.shown()["tally"][(later.user("ada"),)]
        assert repr(row.email) == "<Erased.ERASED: 'erased'>"
        assert later.verify().different == 0


def test_a_recognised_visitors_rows_become_the_customers(shop: Shop) -> None:
    live = shop.live()
    shop.email(None, "v@example.com", visitor="v1")
    shop.pay("ada", "o1", 5)
    shop.follow(live)
    assert len(shop.shown()["tally"]) == 2
    shop.recognise("v1", "ada")
    shop.email(None, "w@example.com", visitor="v1")
    shop.follow(live)
    (row,) = shop.shown()["tally"].values()
    assert row.email == "w@example.com"
    assert shop.verify().different == 0


def test_facts_delivered_again_change_nothing(shop: Shop) -> None:
    live = shop.live()
    for n in range(5):
        shop.pay("ada", f"o{n}", n)
    shop.follow(live)
    before = shop.shown()
    places = live.places(range(SLOTS))
    head = shop.reader.head()
    applied = live.apply(
        shop.reader.read(0, 100),
        places,
        dict.fromkeys(places, Goal(position=head.position, clock=head.clock)),
    )
    assert applied.facts == 0
    assert shop.shown() == before


def test_a_second_writer_is_refused(shop: Shop) -> None:
    first, second = shop.live(), shop.live(connection=shop.connect())
    shop.pay("ada", "o1", 1)
    places = second.places(range(SLOTS))
    shop.follow(first)
    before = shop.shown()
    head = shop.reader.head()
    goal = Goal(position=head.position, clock=head.clock)
    with pytest.raises(Moved):
        second.apply(shop.reader.read(0, 100), places, dict.fromkeys(places, goal))
    assert shop.shown() == before


def test_a_failed_batch_leaves_the_view_where_it_was(shop: Shop) -> None:
    live = shop.live()
    shop.pay("ada", "o1", 1)
    places = live.places(range(SLOTS))
    shop.connection.execute("alter table tiny_v1.payment add check (amount > 5)")
    with pytest.raises(Exception, match="payment"):
        shop.follow(live)
    assert live.places(range(SLOTS)) == places
    shop.connection.execute("alter table tiny_v1.payment drop constraint payment_amount_check")
    shop.follow(live)
    assert shop.verify().different == 0


def test_rows_fall_asleep_when_their_hour_comes(shop: Shop) -> None:
    live = shop.live()
    shop.pay("ada", "o1", 1, ago=timedelta(days=89, hours=23, minutes=59, seconds=59.5))
    shop.pay("ben", "o2", 1)
    shop.follow(live)
    assert all(row.awake for row in shop.shown()["tally"].values())
    shop.connection.execute("select pg_sleep(0.6)")
    shop.follow(live)
    awake = {key[0]: row.awake for key, row in shop.shown()["tally"].items()}
    assert awake == {shop.user("ada"): False, shop.user("ben"): True}
    assert shop.verify().different == 0


def test_a_new_policy_walks_over_everybody(shop: Shop) -> None:
    live = shop.live()
    for n in range(30):
        shop.pay(f"user{n}", f"o{n}", 1, ago=timedelta(days=n))
    shop.follow(live)
    shop.adopt(10)
    shop.follow(live)
    awake = [row for row in shop.shown()["tally"].values() if row.awake]
    assert len(awake) == 10
    assert shop.verify().different == 0


def test_verify_names_what_is_not_as_replayed(shop: Shop) -> None:
    live = shop.live()
    shop.pay("ada", "o1", 7)
    shop.pay("ben", "o2", 8)
    shop.follow(live)
    shop.connection.execute(
        "update tiny_v1.tally set paid = 9 where subject = %s", [shop.user("ada")]
    )
    shop.connection.execute("delete from tiny_v1.story where subject = %s", [shop.user("ben")])
    report = shop.verify()
    found = {
        (d.subject, d.table, d.column, d.live, None if d.column is None else d.replayed)
        for d in report.differences
    }
    assert (shop.user("ada"), "tally", "paid", Decimal(9), Decimal(7)) in found
    assert (shop.user("ben"), "story", None, None, None) in found
    assert report.different == 2


def followed(shop: Shop, history: History, ends: list[int], groups: list[list[int]]) -> Verifier:
    """Keep a new view live through a made-up history, slots in groups; return who verifies it."""
    with shop.connection.transaction():
        shop.connection.execute("drop schema if exists tiny_v1 cascade")
        shop.connection.execute("delete from views.active")
        shop.connection.execute("delete from views.checkpoint")
    log = MemoryLog(history)
    schema.prepare(shop.connection, [tiny], SLOTS)
    live = LiveView(shop.connection, tiny, shop.sealer, log, SLOTS)
    live.attach()
    after = 0
    for end in sorted({min(e, history.head) for e in ends} | {history.head}):
        clock = history.clock if end == history.head else history.facts[end - 1].recorded_at
        goal = Goal(position=end, clock=clock)
        for slots in groups:
            live.apply(history.facts[after:end], live.places(slots), dict.fromkeys(slots, goal))
        after = end
    return Verifier(shop.connection, tiny, shop.sealer, log, SLOTS)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    histories(st.one_of(traits, tags, payments), nobodys=st.one_of(campaigns, policies)),
    st.lists(st.integers(1, 30), max_size=3),
    st.sampled_from(([[0, 1, 2, 3]], [[0], [1, 2], [3]])),
)
def test_live_on_postgres_equals_replay(
    shop: Shop, history: History, ends: list[int], groups: list[list[int]]
) -> None:
    report = followed(shop, history, ends, groups).verify()
    assert report.different == 0, report.differences
    assert report.facts == len(history.facts)
    again = replay(tiny, history, history.clock)
    assert shop.shown().keys() == again.keys()
    assert all(shop.shown()[table].keys() == again[table].keys() for table in again)


def test_the_database_and_the_code_agree_on_slots(shop: Shop) -> None:
    users = [shop.user(str(n)) for n in range(50)]
    found = shop.connection.execute(
        "select views.slot_of(u, 32) from unnest(%s::uuid[]) u", [users]
    ).fetchall()
    assert [row[0] for row in found] == [slot_of(u, 32) for u in users]
