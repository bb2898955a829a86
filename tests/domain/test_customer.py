"""Customers: who they are, and what they let us do."""

from typing import Any
from uuid import UUID

import pytest

from domain.customer.aggregate import Customer, OtherNote
from domain.customer.events import (
    Address,
    ConsentGranted,
    ConsentWithdrawn,
    CustomerRegistered,
    Kind,
    KindStated,
    NoteAdded,
    Person,
    PersonalDataRevealed,
    TagAdded,
    TagRemoved,
    TraitsAsserted,
    VisitorRecognised,
)
from domain.shared.channel import Channel
from domain.shared.personal import ERASED
from domain.shared.refusals import Malformed, NotFound
from tests.scenario import ID, of

registered = CustomerRegistered()
ada = Person(name="Ada", email="ada@example.com")
asserted = TraitsAsserted(person=ada, traits={"plan": "gold"}, private={"shoe": 38})
granted = ConsentGranted(channel=Channel.EMAIL, purpose="news", source="checkout", wording="v1")
withdrawn = ConsentWithdrawn(channel=Channel.EMAIL, purpose="news", source="link", wording="v1")
tagged = TagAdded(tag="vip")
NOTE = UUID(int=7)
noted = NoteAdded(note=NOTE, text="Likes mornings")


def grant(customer: Customer, wording: str = "v1", source: str = "checkout") -> None:
    customer.grant_consent(Channel.EMAIL, "news", source, wording)


def withdraw(customer: Customer) -> None:
    customer.withdraw_consent(Channel.EMAIL, "news", "link", "v1")


def test_somebody_is_registered() -> None:
    of(Customer).when(Customer.register).then(registered)


def test_registering_twice_is_not_news() -> None:
    of(Customer).given(registered).when(Customer.register).then_nothing()


def test_traits_are_kept_as_asserted() -> None:
    of(Customer).given(registered).when(
        lambda c: c.assert_traits(ada, {"plan": "gold"}, {"shoe": 38})
    ).then(asserted)


def test_the_same_traits_again_are_not_news() -> None:
    of(Customer).given(registered, asserted).when(
        lambda c: c.assert_traits(Person(email="ada@example.com"), {"plan": "gold"}, {})
    ).then_nothing()


@pytest.mark.parametrize(
    "said",
    [
        TraitsAsserted(person=Person(name="Ada L.")),
        TraitsAsserted(person=Person(address=Address(city="London"))),
        TraitsAsserted(person=Person(email="")),
        TraitsAsserted(traits={"plan": None}),
        TraitsAsserted(traits={"plan": "gold", "beta": False}),
        TraitsAsserted(private={"shoe": 39}),
    ],
)
def test_one_new_trait_makes_all_that_was_said_news(said: TraitsAsserted) -> None:
    private: dict[str, Any] = said.private if isinstance(said.private, dict) else {}
    person = said.person if isinstance(said.person, Person) else None
    of(Customer).given(registered, asserted).when(
        lambda c: c.assert_traits(person, said.traits, private)
    ).then(said)


def test_taking_back_what_was_never_said_is_not_news() -> None:
    of(Customer).given(registered, asserted).when(
        lambda c: c.assert_traits(Person(phone=""), {"size": None}, {"x": None})
    ).then_nothing()


def test_what_was_erased_may_be_said_anew() -> None:
    erased = TraitsAsserted(person=ERASED, private=ERASED)
    of(Customer).given(registered, erased).when(lambda c: c.assert_traits(ada, {}, {})).then(
        TraitsAsserted(person=ada)
    )


def test_a_kind_is_stated() -> None:
    of(Customer).given(registered).when(lambda c: c.state_kind(Kind.COMPANY)).then(
        KindStated(kind=Kind.COMPANY)
    )


def test_stating_the_same_kind_is_not_news() -> None:
    of(Customer).given(registered, KindStated(kind=Kind.PERSON)).when(
        lambda c: c.state_kind(Kind.PERSON)
    ).then_nothing()


def test_consent_is_recorded_with_its_wording() -> None:
    of(Customer).given(registered).when(grant).then(granted)


def test_agreeing_twice_is_not_news() -> None:
    of(Customer).given(registered, granted).when(lambda c: grant(c, source="shop")).then_nothing()


def test_agreeing_to_a_newer_wording_is_news() -> None:
    of(Customer).given(registered, granted).when(lambda c: grant(c, "v2")).then(
        ConsentGranted(channel=Channel.EMAIL, purpose="news", source="checkout", wording="v2")
    )


def test_consent_is_for_one_channel_and_purpose() -> None:
    of(Customer).given(registered, granted).when(
        lambda c: c.grant_consent(Channel.SMS, "news", "checkout", "v1")
    ).then(ConsentGranted(channel=Channel.SMS, purpose="news", source="checkout", wording="v1"))


def test_consent_is_withdrawn() -> None:
    of(Customer).given(registered, granted).when(withdraw).then(withdrawn)


def test_withdrawing_twice_is_not_news() -> None:
    of(Customer).given(registered, granted, withdrawn).when(withdraw).then_nothing()


def test_who_was_never_asked_may_say_no() -> None:
    of(Customer).given(registered).when(withdraw).then(withdrawn)


def test_who_withdrew_may_agree_again() -> None:
    of(Customer).given(registered, granted, withdrawn).when(grant).then(granted)


def test_a_tag_is_added() -> None:
    of(Customer).given(registered).when(lambda c: c.add_tag(" vip ")).then(tagged)


def test_adding_a_tag_twice_is_not_news() -> None:
    of(Customer).given(registered, tagged).when(lambda c: c.add_tag("vip")).then_nothing()


def test_a_tag_is_removed() -> None:
    of(Customer).given(registered, tagged).when(lambda c: c.remove_tag("vip")).then(
        TagRemoved(tag="vip")
    )


def test_removing_a_tag_that_is_not_there_is_not_news() -> None:
    of(Customer).given(registered, tagged, TagRemoved(tag="vip")).when(
        lambda c: c.remove_tag("vip")
    ).then_nothing()


def test_a_note_is_added() -> None:
    of(Customer).given(registered).when(lambda c: c.add_note(NOTE, "Likes mornings")).then(noted)


def test_the_same_note_twice_is_not_news() -> None:
    of(Customer).given(registered, noted).when(
        lambda c: c.add_note(NOTE, "Likes mornings")
    ).then_nothing()


def test_a_note_is_not_rewritten() -> None:
    of(Customer).given(registered, noted).when(
        lambda c: c.add_note(NOTE, "Likes evenings")
    ).then_refused(OtherNote, str(NOTE))


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.assert_traits(ada, {}, {}),
        lambda c: c.state_kind(Kind.PERSON),
        grant,
        withdraw,
        lambda c: c.add_tag("vip"),
        lambda c: c.remove_tag("vip"),
        lambda c: c.add_note(NOTE, "x"),
        lambda c: c.reveal("She calls", ("name",)),
    ],
)
def test_nothing_is_asked_of_who_is_unknown(ask: Any) -> None:
    of(Customer).when(ask).then_refused(NotFound, "customer", str(ID))


def test_a_visitor_who_was_recognised_is_known() -> None:
    of(Customer).given(VisitorRecognised(identity=ID, customer=ID)).when(
        lambda c: c.add_tag("vip")
    ).then(tagged)


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda c: c.add_tag("  "), "tag"),
        (lambda c: c.add_tag("x" * 201), "tag"),
        (lambda c: c.add_tag("ask ada@example.com"), "tag"),
        (lambda c: c.add_tag("+44 20 7946 0018"), "tag"),
        (lambda c: c.remove_tag(""), "tag"),
        (lambda c: c.grant_consent(Channel.EMAIL, "", "s", "w"), "purpose"),
        (lambda c: c.grant_consent(Channel.EMAIL, "for ada@example.com", "s", "w"), "purpose"),
        (lambda c: c.grant_consent(Channel.EMAIL, "p", "", "w"), "source"),
        (lambda c: c.withdraw_consent(Channel.EMAIL, "p", "s", ""), "wording"),
        (lambda c: c.add_note(NOTE, " "), "text"),
        (lambda c: c.reveal(" ", ("name",)), "reason"),
    ],
)
def test_empty_and_endless_texts_are_malformed(ask: Any, field: str) -> None:
    of(Customer).given(registered).when(ask).then_refused(Malformed, field)


def test_each_reveal_is_news() -> None:
    revealed = PersonalDataRevealed(reason="She calls", fields=("name", "phone"))
    of(Customer).given(registered, revealed).when(
        lambda c: c.reveal(" She calls ", ("name", "phone"))
    ).then(revealed)
