"""What a shop says of people, and the facts that it becomes."""

from typing import Any

import pytest

from commands.shop.clear import Clear
from domain.activity.events import Aliased, Grouped, Identified
from domain.customer.events import (
    Address,
    ConsentGranted,
    ConsentWithdrawn,
    CustomerRegistered,
    Kind,
    KindStated,
    Person,
    TraitsAsserted,
)
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.log import Recognition
from tests.commands.shop.shops import NOON, Shop, track


def told(shop: Shop, traits: dict[str, Any], **about: Any) -> list[Event]:
    """Return what an identify says of user 42, without the activity."""
    message = {"type": "identify", "messageId": "m1", "userId": "42", "traits": traits}
    return shop.told(message, **about)[1:]


def asserted(shop: Shop, traits: dict[str, Any], **about: Any) -> TraitsAsserted:
    (event,) = told(shop, traits, **about)
    assert isinstance(event, TraitsAsserted)
    return event


def test_whoever_is_named_by_an_id_of_their_own_becomes_a_customer_once(shop: Shop) -> None:
    for message in (track(), {"type": "identify", "userId": "42"}):
        (registered,) = [fact for fact in shop.hears(message).facts if fact.first]
        assert registered.event == CustomerRegistered(id="42")
        assert registered.stream is None


def test_a_visitor_is_not_registered(shop: Shop) -> None:
    heard = shop.hears({"type": "page", "anonymousId": "a1"})
    assert [fact for fact in heard.facts if fact.first] == []
    assert heard.recognition is None


def test_traits_that_say_who_somebody_is_are_the_person(shop: Shop) -> None:
    traits = {
        "firstName": "Ada",
        "last_name": "Lovelace",
        "email": "ada@example.com",
        "phone": 4420,
        "birthday": "1815-12-10",
        "address": {"street": "1 St James's Square", "postalCode": "SW1Y", "floor": 2},
        "company": {"name": "Engines", "id": "c1"},
    }
    event = asserted(shop, traits)
    assert event.person == Person(
        first_name="Ada",
        last_name="Lovelace",
        email="ada@example.com",
        phone="4420",
        birthday="1815-12-10",
        address=Address(street="1 St James's Square", postal_code="SW1Y"),
        company="Engines",
    )
    assert event.private == {"address": {"floor": 2}, "company": {"id": "c1"}, "id": "42"}


def test_unknown_traits_are_sealed_unless_the_shop_allows_them(shop: Shop) -> None:
    traits = {"age": 36, "gender": "f", "plan": "pro", "nick": "countess"}
    event = asserted(shop, traits, clear=Clear(traits=frozenset({"plan"})))
    assert event.traits == {"age": 36, "gender": "f", "plan": "pro"}
    assert event.private == {"nick": "countess", "id": "42"}


def test_a_trait_taken_back_is_empty(shop: Shop) -> None:
    event = asserted(shop, {"email": None, "address": None, "age": None})
    assert event.person == Person(email="", address=Address())
    assert event.traits == {"age": None}


def test_a_visitors_traits_are_the_visitors(shop: Shop) -> None:
    heard = shop.hears({"type": "identify", "anonymousId": "a1", "traits": {"name": "Ada"}})
    activity, traits = heard.facts
    assert isinstance(activity.event, Identified)
    assert traits.event == TraitsAsserted(person=Person(name="Ada"))
    assert traits.stream is None
    assert traits.who is not None
    assert traits.who.anonymous == shop.visitor("a1")


@pytest.mark.parametrize(("name", "value"), [("kind", "company"), ("type", "Company")])
def test_a_kind_is_stated_by_a_trait(shop: Shop, name: str, value: str) -> None:
    stated, traits = told(shop, {name: value})
    assert stated == KindStated(kind=Kind.COMPANY)
    assert traits == TraitsAsserted(private={"id": "42"})


def test_another_type_is_an_ordinary_trait(shop: Shop) -> None:
    assert asserted(shop, {"type": "gold"}).private == {"type": "gold", "id": "42"}


def test_consents_are_granted_and_withdrawn_by_channel_and_purpose(shop: Shop) -> None:
    consents = {
        "email": {"marketing": {"granted": True, "wording": "v3", "source": "checkout"}},
        "sms": {"marketing": False},
    }
    _, granted, withdrawn = told(shop, {"consents": consents})
    assert granted == ConsentGranted(
        channel=Channel.EMAIL, purpose="marketing", source="checkout", wording="v3"
    )
    assert withdrawn == ConsentWithdrawn(
        channel=Channel.SMS, purpose="marketing", source="site", wording="unrecorded"
    )


def test_an_identify_with_both_ids_recognises_the_visitor(shop: Shop) -> None:
    heard = shop.hears({"type": "identify", "userId": "42", "anonymousId": "a1"})
    assert heard.recognition == Recognition(
        visitor=shop.visitor("a1"), user=shop.user("42"), occurred_at=NOON
    )


def test_a_track_with_both_ids_recognises_nobody(shop: Shop) -> None:
    assert shop.hears({**track(), "anonymousId": "a1"}).recognition is None


def test_an_alias_recognises_the_previous_id_as_a_visitor(shop: Shop) -> None:
    heard = shop.hears({"type": "alias", "previousId": "a1", "userId": "42"})
    assert heard.recognition == Recognition(
        visitor=shop.visitor("a1"), user=shop.user("42"), occurred_at=NOON
    )
    assert [type(fact.event) for fact in heard.facts] == [Aliased, CustomerRegistered]


def test_a_group_is_sealed_and_its_industry_is_not(shop: Shop) -> None:
    traits = {"name": "Engines Ltd", "industry": "Machines", "employees": 3}
    message = {"type": "group", "userId": "42", "groupId": "g1", "traits": traits}
    (grouped,) = shop.told(message)
    assert isinstance(grouped, Grouped)
    assert grouped.group == "g1"
    assert grouped.traits == {"industry": "Machines", "employees": 3}
    assert grouped.private == {"traits": {"name": "Engines Ltd"}}
