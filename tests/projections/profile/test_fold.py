"""A profile says what a customer's facts say."""

from decimal import Decimal
from itertools import permutations
from uuid import UUID, uuid4

import pytest

from domain.activity.events import PageViewed
from domain.customer.events import (
    MATTER,
    Address,
    ConsentGranted,
    ConsentWithdrawn,
    CustomerRegistered,
    Kind,
    KindStated,
    KnownByAnotherId,
    NoteAdded,
    Person,
    TagAdded,
    TagRemoved,
    TraitsAsserted,
)
from domain.message.events import AddressClass, Evidence, MessageClicked, MessageSent
from domain.order.events import OrderPaid
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.personal import ERASED
from projections.profile.projection import profile
from projections.profile.tables import (
    NOTE,
    PROFILE,
    Portrait,
    Profile,
)
from tests.projections.memory import blind
from tests.projections.profile.story import (
    ADA,
    day,
    folded,
    order,
    story,
    told,
)

SPRING, AUTUMN = UUID(int=1), UUID(int=2)


def person(row: Profile) -> Person:
    assert isinstance(row.person, Portrait)
    return row.person.as_person()


def asserted(**fields: object) -> TraitsAsserted:
    return TraitsAsserted(person=Person(**fields))  # type: ignore[arg-type]  # the test's own


def granted(purpose: str = "offers") -> ConsentGranted:
    return ConsentGranted(channel=Channel.EMAIL, purpose=purpose, source="site", wording="v1")


def withdrawn(purpose: str = "offers") -> ConsentWithdrawn:
    return ConsentWithdrawn(channel=Channel.EMAIL, purpose=purpose, source="site", wording="v1")


def test_a_visitor_is_not_known_until_registered() -> None:
    page = PageViewed(content=b"")
    assert not told((0, page)).known
    assert told((0, page), (1, CustomerRegistered())).known
    assert told((0, page), (1, KnownByAnotherId(identity=uuid4(), kind="anonymous"))).known
    assert not told((0, page), (1, KnownByAnotherId(identity=uuid4(), kind=MATTER))).known


def test_what_was_asserted_last_holds_field_by_field() -> None:
    row = told((0, asserted(name="Ada", email="ada@example.com")), (1, asserted(name="Ada L.")))
    assert person(row) == Person(name="Ada L.", email="ada@example.com")


def test_an_old_import_does_not_overwrite_a_newer_address() -> None:
    row = told((9, asserted(email="new@example.com")), (2, asserted(email="old@example.com")))
    assert person(row).email == "new@example.com"
    assert row.email_mask == "n•••@e•••.com"


def test_of_two_things_said_at_one_instant_the_one_recorded_later_holds() -> None:
    row = told((1, asserted(name="first")), (1, asserted(name="second")))
    assert person(row).name == "second"


def test_an_empty_field_takes_it_back() -> None:
    row = told((0, asserted(email="a@example.com", name="Ada")), (1, asserted(email="")))
    assert person(row) == Person(name="Ada")
    assert (row.email_mask, row.email_index) == (None, None)


def test_an_address_is_taken_whole() -> None:
    row = told(
        (0, asserted(address=Address(city="Bath", street="1 High St"))),
        (1, asserted(address=Address(city="York"))),
    )
    assert person(row).address == Address(city="York")


def test_masks_and_blind_indexes_stand_for_the_contact() -> None:
    row = told(
        (0, asserted(name="Ada Lovelace", email=" Ada@Example.com ", phone="+1 415 555 0123"))
    )
    assert (row.name_mask, row.email_mask, row.phone_mask) == (
        "A••• L•••",
        "a•••@e•••.com",
        "•••0123",
    )
    assert row.email_index == blind("email", "ada@example.com")
    assert row.phone_index == blind("phone", "14155550123")


def test_a_phone_without_a_prefix_belongs_to_the_country_of_the_address() -> None:
    said = asserted(phone="(415) 555-0123"), asserted(address=Address(country="us"))
    for first, second in permutations(said):
        assert told((0, first), (1, second)).phone_index == blind("phone", "14155550123")
    assert told((0, said[0])).phone_index == blind("phone", "4155550123")


def test_a_trait_of_none_is_taken_back() -> None:
    row = told(
        (0, TraitsAsserted(traits={"plan": "gold", "age": 30})),
        (1, TraitsAsserted(traits={"plan": None})),
        (0.5, TraitsAsserted(traits={"plan": "silver"})),
    )
    assert row.traits == {"age": 30}


def test_private_traits_stand_beside_the_person() -> None:
    row = told((0, TraitsAsserted(private={"pet": "Rex"})))
    assert isinstance(row.person, Portrait)
    assert row.person.private.values == {"pet": "Rex"}
    assert row.traits == {}


def test_what_was_erased_stays_erased_and_the_figures_stay() -> None:
    row = told(
        (0, asserted(email="a@example.com")),
        (1, TraitsAsserted(person=ERASED, traits={"plan": "gold"})),
        (2, OrderPaid(amount=Decimal(30), currency="USD"), order("1")),
        (3, asserted(email="b@example.com")),
    )
    assert row.person is ERASED
    assert (row.email_mask, row.email_index) == (None, None)
    assert (row.paid, row.traits) == (Decimal(30), {"plan": "gold"})


def test_kind_is_as_last_stated() -> None:
    row = told((2, KindStated(kind=Kind.COMPANY)), (1, KindStated(kind=Kind.PERSON)))
    assert row.kind == "company"


def test_consent_is_as_last_said() -> None:
    assert told((0, granted()), (1, granted("news"))).consents == ("email:news", "email:offers")
    assert told((2, withdrawn()), (1, granted())).consents == ()
    assert told((1, withdrawn()), (2, granted())).consents == ("email:offers",)


@pytest.mark.parametrize("said", list(permutations([granted(), withdrawn()])))
def test_of_two_consents_at_one_instant_the_stricter_holds(said: tuple[Event, ...]) -> None:
    assert told(*((0, event) for event in said)).consents == ()


def test_tags_are_those_not_taken_off() -> None:
    row = told(
        (0, TagAdded(tag="vip")),
        (1, TagAdded(tag="tea")),
        (3, TagRemoved(tag="vip")),
        (2, TagAdded(tag="vip")),
    )
    assert row.tags == ("tea",)


def test_seen_first_by_any_fact_and_last_by_what_the_customer_did() -> None:
    scanner = Evidence(address_class=AddressClass.DATACENTER)
    row = told(
        (5, PageViewed(content=b"")),
        (1, CustomerRegistered()),
        (7, MessageClicked(campaign=SPRING, link="hero", evidence=scanner)),
        (6, MessageClicked(campaign=SPRING, link="hero", evidence=Evidence())),
        (8, MessageSent(campaign=SPRING, channel=Channel.EMAIL)),
    )
    assert (row.first_seen, row.last_seen) == (day(1), day(6))


def test_the_last_campaign_is_the_one_sent_last() -> None:
    row = told(
        (5, MessageSent(campaign=SPRING, channel=Channel.EMAIL)),
        (3, MessageSent(campaign=AUTUMN, channel=Channel.SMS)),
    )
    assert (row.messages, row.last_campaign, row.last_campaign_at) == (2, SPRING, day(5))


def test_a_note_written_twice_is_one() -> None:
    note = UUID(int=5)
    rows = folded(
        profile,
        story((1, NoteAdded(note=note, text="likes oolong")), (1, NoteAdded(note=note, text="!"))),
    )
    row, kept = rows.get(PROFILE), rows.get(NOTE, note)
    assert row is not None
    assert kept is not None
    assert (row.notes, kept.text, kept.customer) == (1, "!", ADA)
