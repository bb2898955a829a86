"""A customer's story is told in words, of what is worth telling."""

from decimal import Decimal
from uuid import UUID

import pytest

from domain.activity.events import Identified, PageViewed, Reported, Tracked
from domain.campaign.events import Arm, RecipientAssigned
from domain.customer.events import (
    ConsentGranted,
    CustomerRegistered,
    NoteAdded,
    Person,
    TagAdded,
    TraitsAsserted,
    VisitorRecognised,
)
from domain.message.events import AddressClass, Evidence, MessageClicked, MessageSent
from domain.order.events import (
    Line,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    OrderToldOfAnotherCustomer,
)
from domain.shared.channel import Channel
from domain.shared.events import FACTS, Event
from domain.shared.personal import ERASED
from domain.shared.refusals import Malformed
from domain.ticket.events import TicketKind, TicketOpened, TicketRated
from projections.lifecycle.stages import Stage, Tier
from projections.orders import Flag
from projections.timeline.projection import ENTRY, Campaign, timeline
from projections.timeline.queries import Asked, Told, page_of
from projections.timeline.telling import KEPT
from projections.words import LANGUAGES, label, money, tell, word
from tests.projections.profile.story import ADA, day, folded, order, story, ticket

SPRING = UUID(int=1)
CAMPAIGNS = [Campaign(campaign=SPRING, name="Spring", simulated=True)]

placed = OrderPlaced(
    number="1001",
    currency="EUR",
    total=Decimal("67.40"),
    lines=(Line(product="tea", unit_price=Decimal("67.40")),),
)
paid = OrderPaid(amount=Decimal("67.4"), currency="EUR")
opened = TicketOpened(
    number="7", kind=TicketKind.COMPLAINT, channel=Channel.PHONE, about="cracked cup"
)


def told(
    *said: tuple[float, Event] | tuple[float, Event, UUID], reveal: bool = False, lang: str = "en"
) -> list[Told]:
    rows = folded(timeline, story(*said))
    return page_of(rows, Asked(lang=lang), CAMPAIGNS, reveal=reveal).items


def words(
    *said: tuple[float, Event] | tuple[float, Event, UUID], reveal: bool = False
) -> list[str]:
    """Return how each is told, first English, then Chinese."""
    return [
        entry.text
        for lang in ("en", "zh")
        for entry in reversed(told(*said, reveal=reveal, lang=lang))
    ]


def test_a_payment_is_told_with_the_number_of_its_order() -> None:
    assert words((0, placed, order("1001")), (1, paid, order("1001"))) == [
        "Placed order 1001: 1 line, 67.40 EUR",
        "Paid 67.40 EUR for order 1001",
        "下单 1001，共 1 行，67.40 EUR",
        "订单 1001 付款 67.40 EUR",
    ]


def test_a_payment_whose_order_was_not_told_yet_is_told_without() -> None:
    assert words((1, paid, order("1001"))) == ["Paid 67.40 EUR", "付款 67.40 EUR"]


def test_an_order_told_of_somebody_else_says_so_in_its_own_customers_timeline() -> None:
    other = OrderToldOfAnotherCustomer(identity=UUID(int=2))
    assert words((0, placed, order("1001")), (1, other, order("1001")))[1::2] == [
        "Order 1001 was also told of another customer",
        "订单 1001 也被报告为另一位客户的订单",
    ]


def test_a_whole_refund_is_told_without_an_amount() -> None:
    refund = OrderRefunded(currency="EUR", reason="cracked")
    assert words((1, refund, order("1001"))) == ["Refunded all that was paid", "退款 全部已付款项"]
    assert words((1, refund, order("1001")), reveal=True) == [
        "Refunded all that was paid: cracked",
        "退款 全部已付款项：cracked",
    ]


def test_what_is_personal_is_told_to_who_may_read_it() -> None:
    assert words((0, opened, ticket("7"))) == [
        "Opened complaint 7 by phone",
        "通过电话提交投诉 7",
    ]
    assert words((0, opened, ticket("7")), reveal=True) == [
        "Opened complaint 7 by phone: cracked cup",
        "通过电话提交投诉 7：cracked cup",
    ]


def test_the_erased_is_told_without_what_was_personal() -> None:
    note = NoteAdded(note=UUID(int=1), text=ERASED)
    (entry,) = told((0, note), reveal=True)
    assert (entry.text, entry.private) == ("Note", ERASED)


def test_traits_are_told_by_their_names() -> None:
    said = TraitsAsserted(person=Person(name="Ada", email="a@example.com"), traits={"age": 30})
    assert words((0, said)) == [
        "The shop told: age, name, e-mail address",
        "商店提供资料：年龄、姓名、电子邮箱",
    ]
    (entry,) = told((0, said))
    assert (entry.detail["traits"], entry.private) == ({"age": 30}, None)


def test_what_a_shop_calls_a_sealed_trait_is_sealed_with_it() -> None:
    said = TraitsAsserted(private={"id": "42", "mother of Ada": True})
    assert told((0, said))[0].detail == {"fields": ["id"]}
    (entry,) = told((0, said), reveal=True)
    assert entry.private == {"id": "42", "mother of Ada": True}


def test_messages_are_told_with_the_name_of_their_campaign() -> None:
    scanner = Evidence(address_class=AddressClass.DATACENTER)
    said = [
        RecipientAssigned(campaign=SPRING, arm=Arm.CONTROL, anchor=day(0), seed=1),
        MessageSent(campaign=SPRING, channel=Channel.SMS),
        MessageClicked(campaign=SPRING, link="hero", evidence=scanner),
    ]
    assert words(*((0, event) for event in said), reveal=True) == [
        "Chosen for campaign “Spring”, in the control group",
        "Was sent “Spring” by text message",
        "Link followed in “Spring” by a machine: hero",
        "入选营销活动“Spring”，对照组",
        "通过短信发送消息“Spring”",
        "点击“Spring”中的链接（机器）：hero",
    ]
    assert all(entry.simulated for entry in told(*((0, event) for event in said)))


def test_behaviour_is_told_in_the_words_of_the_trade_and_unknown_names_as_they_are() -> None:
    viewed = Tracked(
        name="Product Viewed",
        properties={"name": "Oolong", "price": 12.5, "currency": "USD", "products": [{}]},
        content=b"",
    )
    searched = Tracked(
        name="Products Searched", private={"properties": {"query": "tea for ada"}}, content=b""
    )
    danced = Tracked(name="Danced", content=b"")
    assert words((0, viewed), (1, searched), (2, danced))[:3] == [
        "Viewed product Oolong at 12.50 USD",
        "Searched",
        "Danced",
    ]
    assert words((1, searched), reveal=True) == [
        "Searched for “tea for ada”",
        "搜索商品“tea for ada”",
    ]


def test_what_stands_in_other_facts_is_not_told_twice() -> None:
    assert not told(
        (0, Tracked(name="Order Completed", content=b"")),
        (0, Identified(content=b"")),
        (0, Reported(name="Order Shipped", content=b"")),
        (0, VisitorRecognised(identity=SPRING, customer=ADA)),
    )


def test_only_what_is_short_is_kept_of_properties() -> None:
    page = PageViewed(properties={"query": "x" * 999, "filters": [1], "odd": 1}, content=b"")
    (entry,) = folded(timeline, story((0, page))).all(ENTRY).values()
    assert entry.detail == {"properties": {"query": "x" * 200}}


def test_a_value_that_looks_like_a_place_stays_a_value() -> None:
    assert words((0, TagAdded(tag="[{tag}]"))) == ["Tagged “[{tag}]”", "添加标签“[{tag}]”"]


def test_the_story_is_paged_newest_first_whatever_the_order_of_arrival() -> None:
    said = [(when, TagAdded(tag=str(when))) for when in (3, 1, 4, 1, 5)]
    rows = folded(timeline, story(*said))
    seen: list[str] = []
    cursor = None
    while True:
        page = page_of(rows, Asked(limit=2, cursor=cursor))
        seen += [entry.detail["tag"] for entry in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == ["5", "4", "3", "1", "1"]


def test_a_story_can_be_asked_about_some_nouns() -> None:
    rows = folded(timeline, story((0, CustomerRegistered()), (1, paid, order("1"))))
    assert [e.kind for e in page_of(rows, Asked(nouns=["order"])).items] == ["order.paid"]


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Malformed, match="cursor"):
        page_of(folded(timeline, []), Asked(cursor="WyJ4Il0"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_fact_that_is_kept_has_a_sentence(lang: str) -> None:
    sentences = LANGUAGES[lang].sentences
    assert {event.stored.name for event in KEPT} == set(sentences)
    assert set(sentences) <= set(FACTS)
    assert LANGUAGES[lang].behaviour.keys() == LANGUAGES["en"].behaviour.keys()


def test_every_flag_stage_and_tier_has_a_word_and_what_is_labelled_a_label() -> None:
    words = LANGUAGES["zh"].words.keys()
    assert {f"flag.{flag}" for flag in Flag} <= words & LANGUAGES["en"].words.keys()
    assert {f"stage.{stage}" for stage in Stage} | {f"tier.{tier}" for tier in Tier} <= words
    assert LANGUAGES["en"].labels.keys() <= LANGUAGES["zh"].labels.keys()
    assert (label("net", "zh"), label("open_tickets")) == ("净额", "open tickets")
    assert word("stage", "won back", "zh") == "回流"


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("67.4", "EUR", "67.40 EUR"),
        ("1234567", "USD", "1,234,567.00 USD"),
        ("500", "JPY", "500 JPY"),
        ("0.125", "KWD", "0.125 KWD"),
        ("-3", "USD", "-3.00 USD"),
        ("much", "USD", "much USD"),
    ],
)
def test_money_is_told_with_no_fewer_digits_than_were_said(
    amount: str, currency: str, written: str
) -> None:
    assert money(amount, currency) == written


@pytest.mark.parametrize(
    "amount", ["1e999999999", "-1e999999999", "1e-999999999", "0e999999999", "1e41", "NaN", "inf"]
)
def test_what_nobody_pays_is_told_as_it_was_said_and_not_written_out(amount: str) -> None:
    assert money(amount, "USD") == f"{amount} USD"


def test_a_fact_without_a_sentence_is_told_by_its_name() -> None:
    assert tell("coupon.given-back", {}) == "given back"


def test_a_legal_hold_is_told_with_its_reason_in_both_languages() -> None:
    placed, lifted = "customer.legal-hold-placed", "customer.legal-hold-lifted"
    why = {"reason": "court"}
    assert tell(placed, why) == "Under a legal hold now, and not to be forgotten: court"
    assert tell(placed, why, "zh") == "依法保留，暂不得遗忘，原因：court"
    assert tell(lifted, why) == "The legal hold is lifted: court"
    assert tell(lifted, why, "zh") == "解除依法保留，原因：court"


def test_a_language_that_is_not_known_is_english() -> None:
    consent = ConsentGranted(channel=Channel.EMAIL, purpose="offers", source="", wording="v1")
    (entry,) = told((0, consent), lang="xx")
    assert entry.text == "Allowed offers by e-mail"
    (shipped,) = told((0, OrderShipped(carrier="DHL", tracking="X1"), order("1")), reveal=True)
    assert shipped.text == "Order shipped by DHL, tracking X1"
    (rated,) = told((0, TicketRated(score=5), ticket("7")), lang="zh")
    assert rated.text == "评分 5/5"
