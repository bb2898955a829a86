"""The story is read in Postgres as it was folded."""

from decimal import Decimal
from uuid import uuid4

from domain.campaign.events import CampaignDrafted
from domain.customer.events import NoteAdded, TagAdded
from domain.message.events import MessageSent
from domain.order.events import OrderPaid, OrderPlaced
from domain.shared.channel import Channel
from domain.shared.personal import ERASED
from infra.postgres import connect
from projections.runtime.as_of import AsOf
from projections.timeline.projection import timeline
from projections.timeline.queries import Asked, campaigns, page, page_of
from tests.projections.memory import blind
from tests.projections.runtime.shop import Shop


def happens(shop: Shop) -> None:
    order, spring = shop.ids.order("tea", "1001"), shop.ids.campaign("tea", "spring")
    drafted = CampaignDrafted(code="spring", name="Spring", channel=Channel.EMAIL, simulated=True)
    shop.say(drafted, stream=spring)
    shop.say(
        OrderPlaced(number="1001", currency="EUR", total=Decimal("67.40")),
        OrderPaid(amount=Decimal("67.40"), currency="EUR"),
        user="ada",
        stream=order,
    )
    assigned = shop.ids.assignment(spring, shop.user("ada"))
    shop.say(MessageSent(campaign=spring, channel=Channel.EMAIL), user="ada", stream=assigned)
    shop.say(NoteAdded(note=uuid4(), text="likes oolong"), user="ada")


def test_the_story_is_told_from_the_table_as_from_memory(shop: Shop) -> None:
    live = shop.live(timeline)
    happens(shop)
    shop.follow(live)
    head = shop.reader.head()
    rows = AsOf(timeline, shop.reader, blind).one(
        shop.user("ada"), at=head.clock, known_at=head.position
    )
    for lang in ("en", "zh"):
        asked = Asked(lang=lang, limit=3)
        stored = page(shop.connection, shop.user("ada"), asked, sealer=shop.sealer)
        folded = page_of(rows, asked, campaigns(shop.connection), reveal=True)
        assert stored == folded
        after = Asked(lang=lang, cursor=stored.cursor)
        assert page(shop.connection, shop.user("ada"), after).items[0].kind == "order.placed"
    told = [e.text for e in page(shop.connection, shop.user("ada"), Asked()).items]
    assert told == [
        "Note",
        "Was sent “Spring” by e-mail",
        "Paid 67.40 EUR for order 1001",
        "Placed order 1001, 67.40 EUR",
    ]
    assert shop.verify(timeline).different == 0


def test_a_story_is_asked_about_some_nouns(shop: Shop) -> None:
    live = shop.live(timeline)
    happens(shop)
    shop.follow(live)
    asked = Asked(nouns=("order", "customer"), limit=2)
    found = page(shop.connection, shop.user("ada"), asked)
    assert [entry.kind for entry in found.items] == ["customer.note-added", "order.paid"]
    assert page(shop.connection, shop.user("ben"), asked).items == []


def test_a_recognised_visitors_story_is_the_customers(shop: Shop) -> None:
    live = shop.live(timeline)
    shop.say(TagAdded(tag="early"), NoteAdded(note=uuid4(), text="shy"), visitor="v1")
    shop.follow(live)
    shop.tag("ada", "late")
    shop.recognise("v1", "ada")
    shop.follow(live)
    found = page(shop.connection, shop.user("ada"), Asked(), sealer=shop.sealer)
    assert [entry.text for entry in found.items][-3:] == [
        "Tagged “late”",
        "Note: shy",
        "Tagged “early”",
    ]
    assert page(shop.connection, shop.visitor("v1"), Asked()).items == []
    assert shop.verify(timeline).different == 0


def test_the_erased_keep_their_story_without_what_was_personal(shop: Shop) -> None:
    live = shop.live(timeline)
    happens(shop)
    shop.follow(live)
    with connect(shop.url) as admin:
        admin.execute("update keeper.person_key set wrapped = null")
    with Shop.open(shop.url, shop.keyring) as later:
        found = page(later.connection, later.user("ada"), Asked(), sealer=later.sealer)
        assert (found.items[0].text, found.items[0].private) == ("Note", ERASED)


def test_a_page_of_a_long_story_is_read_and_no_more_of_it(shop: Shop) -> None:
    shop.live(timeline)
    with connect(shop.url) as admin:
        admin.execute(_LINES, {"first": 1, "last": 30_000, "whom": None})
        admin.execute("analyze timeline_v2.timeline")  # it is told nothing of long stories
        admin.execute(_LINES, {"first": 30_001, "last": 30_300, "whom": shop.user("ada")})
        admin.execute("set effective_cache_size = '8kB'")  # as if memory were far too small
        with admin.transaction():
            found = page(admin, shop.user("ada"), Asked(limit=50))
            read = admin.execute(_READ).fetchone()
    assert len(found.items) == 50
    assert read == (51,)


_LINES = """
insert into timeline_v2.timeline
    (customer, occurred_at, position, kind, stream, actor_kind, actor_id, detail)
select coalesce(%(whom)s, md5((n %% 1500)::text)::uuid), to_timestamp(n), n, 'customer.tag-added',
    md5(n::text)::uuid, 'key', 'site', '{"tag": "late"}'
from generate_series(%(first)s::bigint, %(last)s) n
"""
"""Lines of one customer, or in turn of fifteen hundred."""
_READ = "select idx_tup_fetch from pg_stat_xact_user_tables where relname = 'timeline'"
