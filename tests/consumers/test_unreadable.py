"""A fact that this Huike cannot read stops its slot, and nothing else, until one that can comes."""

import pytest
import typer

from consumers import parts
from consumers.mistakes import told
from consumers.rebuild import rebuild
from domain.order.events import OrderPaid
from domain.shared.refusals import UnreadableFact
from infra.postgres import connect
from infra.settings import Settings
from projections import catalogue
from projections.projection import slot_of
from projections.runtime.as_of import AsOf
from tests.consumers.following import eventually, wait_for, worker
from tests.projections.histories import SLOTS
from tests.projections.runtime.shop import Shop
from tests.projections.runtime.tiny import tiny

pytestmark = pytest.mark.slow

NEWER = "update log.fact set type_version = 9 where position = %s"
OLDER = "update log.fact set type_version = 1 where position = %s"
INVENTED = "update log.fact set type = 'order.invented' where position = %s"
BROKEN = "update log.fact set body = convert_to('{\"amount\": []}', 'utf8') where position = %s"
NO_JSON = "update log.fact set body = 'ff00' where position = %s"
UNSEALED = (
    'update log.fact set body = convert_to(\'{"person":{"sealed":"AQEAAAAA"}}\', \'utf8\') '
    "where position = %s"
)


def write(shop: Shop, statement: str, position: int) -> None:
    """Change a fact as only the owner of the database can."""
    with connect(shop.url) as owner:
        owner.execute(statement, (position,))


def places(shop: Shop) -> dict[int, int]:
    found = shop.connection.execute("select slot, position from huike.checkpoint")
    return dict(found.fetchall())


def troubles(shop: Shop) -> list[tuple[int, int, str]]:
    found = shop.connection.execute("select slot, position, why from views.trouble order by slot")
    return found.fetchall()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (NEWER, "order.paid v9, cannot be read by this version of Huike: order.paid v9 is a newer"),
        (INVENTED, "order.invented v1, cannot be read by this version of Huike: order.invented is"),
        (BROKEN, "order.paid v1, cannot be read by this version of Huike: Expected `decimal`"),
        (
            NO_JSON,
            "order.paid v1, cannot be read by this version of Huike: Input data was truncated",
        ),
    ],
)
def test_a_fact_that_cannot_be_read_stops_its_slot_alone(
    shop: Shop, settings: Settings, change: str, why: str
) -> None:
    stuck = slot_of(shop.user("ada"), SLOTS)
    shop.pay("ada", "o1", 1)
    poison = shop.pay("ada", "o2", 2)
    shop.pay("ada", "o3", 3)
    write(shop, change, poison)
    last = [shop.pay(f"user{n}", f"p{n}", n) for n in range(30)][-1]
    with worker(settings):
        eventually(lambda: {p for s, p in places(shop).items() if s != stuck} == {last}, "go on")
        eventually(lambda: bool(troubles(shop)), "the trouble is written down")
    assert places(shop)[stuck] == poison - 1
    ((slot, position, told),) = troubles(shop)
    assert (slot, position) == (stuck, poison)
    assert f"UnreadableFact: Fact {poison}, {why}" in told


def test_once_it_can_be_read_the_slot_goes_on_from_there(shop: Shop, settings: Settings) -> None:
    poison = shop.pay("ada", "o1", 1)
    last = shop.pay("ada", "o2", 2)
    write(shop, NEWER, poison)
    with worker(settings):
        eventually(lambda: bool(troubles(shop)), "the older program stops")
    write(shop, OLDER, poison)
    with worker(settings):
        wait_for(shop, last)
        eventually(lambda: not troubles(shop), "all is well")
    assert shop.verify().different == 0
    assert shop.shown()["tally"][(shop.user("ada"),)].paid == 3


def test_a_seal_that_is_broken_does_not_pass_for_erased(shop: Shop, settings: Settings) -> None:
    poison = shop.email("ada", "ada@example.com")
    write(shop, UNSEALED, poison)
    with worker(settings):
        eventually(lambda: bool(troubles(shop)), "the slot stops")
    ((slot, position, told),) = troubles(shop)
    assert (slot, position) == (slot_of(shop.user("ada"), SLOTS), poison)
    assert "a sealed field does not open with its person's key" in told


def test_a_fact_of_nobody_that_cannot_be_read_stops_every_slot(
    shop: Shop, settings: Settings
) -> None:
    shop.pay("ada", "o1", 1)
    poison = shop.adopt(30)
    shop.pay("ada", "o2", 2)
    write(shop, NEWER, poison)
    with worker(settings):
        eventually(lambda: len(troubles(shop)) == SLOTS, "every slot stops")
    assert set(places(shop).values()) == {poison - 1}
    assert {position for _, position, _ in troubles(shop)} == {poison}
    write(shop, OLDER, poison)
    with worker(settings):
        wait_for(shop, poison + 1)
    assert shop.verify().different == 0


def test_a_past_that_cannot_be_read_stops_whose_past_it_becomes(
    shop: Shop, settings: Settings
) -> None:
    poison = shop.pay("", "o1", 1, visitor="v1")
    known = shop.recognise("v1", "ada")
    with worker(settings):
        wait_for(shop, known)
    assert shop.verify().different == 0
    write(shop, NEWER, poison)
    with pytest.raises(UnreadableFact, match=f"Fact {poison}, order.paid v9"):
        shop.verify()


def test_the_doctor_says_where_a_slot_stopped_and_why(shop: Shop, settings: Settings) -> None:
    poison = shop.pay("ada", "o1", 1)
    write(shop, NEWER, poison)
    with worker(settings):
        eventually(lambda: bool(troubles(shop)), "the slot stops")
    slot = slot_of(shop.user("ada"), SLOTS)
    (found,) = [f for f in parts.findings(settings) if f.what == f"view tiny, slot {slot}"]
    assert found.found.startswith(f"stopped before fact {poison}: UnreadableFact: Fact {poison}")
    assert found.mend


def test_as_of_and_verify_name_the_fact_that_they_cannot_read(
    shop: Shop, settings: Settings
) -> None:
    with worker(settings):
        wait_for(shop, shop.pay("ada", "o1", 1))
        poison = shop.pay("ada", "o2", 2)
        wait_for(shop, poison)
    write(shop, INVENTED, poison)
    head = shop.reader.head()
    named = pytest.raises(UnreadableFact, match=f"Fact {poison}, order.invented v1, cannot be read")
    ask = AsOf(tiny, shop.reader, shop.sealer.blind)
    with named:
        shop.verify()
    with named:
        ask.one(shop.user("ada"), at=head.clock, known_at=head.position)
    before = ask.one(shop.user("ada"), at=head.clock, known_at=poison - 1)
    assert [row.paid for row in before.all(tiny.tables[0]).values()] == [1]
    ask.one(shop.user("bob"), at=head.clock, known_at=head.position)


def test_a_rebuild_names_the_fact_and_leaves_what_is_served(
    shop: Shop, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with worker(settings, catalogue.VIEWS):
        poison = shop.pay("ada", "o1", 1)
        eventually(lambda: set(places(shop).values()) == {poison}, "all views are at the head")
    write(shop, NEWER, poison)
    with pytest.raises(typer.Exit), told():
        rebuild(settings, "profile", processes=1, swap_anyway=True)
    assert f"Fact {poison}, order.paid v9, cannot be read by" in capsys.readouterr().err
    served = shop.connection.execute("select generation from views.active where view = 'profile'")
    assert served.fetchall() == [(1,)]


def test_a_newer_fact_reads_as_nothing_but_itself(shop: Shop) -> None:
    poison = shop.pay("ada", "o1", 1)
    write(shop, NEWER, poison)
    (fact,) = shop.reader.read(0, 10)
    assert not isinstance(fact.event, OrderPaid)
    assert (fact.position, fact.type, fact.subject) == (poison, "order.paid", shop.user("ada"))
