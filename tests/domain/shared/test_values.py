"""Ids, money and texts: the small things that everything rests on."""

import hmac
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.shared.ids import Ids, Mac
from domain.shared.money import MixedCurrencies, Money, UnknownCurrency, currency
from domain.shared.refusals import Malformed, NotFound
from domain.shared.text import text, text_or_none

IDS = Ids(b"secret")
ids = st.text(st.sampled_from("a\x1e\x1f"), max_size=3)


def test_an_id_never_changes() -> None:
    assert IDS.user("shop", "42") == UUID("461eb59f-76ee-8839-9297-c3055512b14f")
    assert Ids(b"secret").order("shop", "42") == IDS.order("shop", "42")


@given(st.binary(min_size=1, max_size=150), st.binary(max_size=300))
def test_a_mac_is_the_one_of_the_standard(key: bytes, message: bytes) -> None:
    assert Mac(key).digest(message) == hmac.digest(key, message, "sha256")


def test_kinds_shops_and_secrets_never_collide() -> None:
    of_42 = [
        IDS.user("shop", "42"),
        IDS.anonymous("shop", "42"),
        IDS.order("shop", "42"),
        IDS.ticket("shop", "42"),
        IDS.campaign("shop", "42"),
        IDS.user("outlet", "42"),
        Ids(b"other").user("shop", "42"),
    ]
    assert len(set(of_42)) == len(of_42)
    assert {i.version for i in of_42} == {8}


@example(["a\x1f", "b"], ["a", "\x1fb"])
@given(st.lists(ids, min_size=1, max_size=3), st.lists(ids, min_size=1, max_size=3))
def test_different_parts_give_different_ids(one: list[str], other: list[str]) -> None:
    same = IDS.derive("shop", "kind", *one) == IDS.derive("shop", "kind", *other)
    assert same is (one == other)


def test_sums_never_mix_currencies() -> None:
    five, two = Money(amount=Decimal(5), currency="USD"), Money(amount=Decimal(2), currency="USD")
    assert (five + two).amount == Decimal(7)
    assert (five - two).amount == Decimal(3)
    with pytest.raises(MixedCurrencies, match="USD and EUR"):
        _ = five + Money(amount=Decimal(2), currency="EUR")


def test_a_currency_is_a_code_in_capitals() -> None:
    assert currency(" cny ") == "CNY"
    with pytest.raises(UnknownCurrency, match="rmb"):
        currency("rmb")


def test_a_text_is_trimmed_and_neither_empty_nor_endless() -> None:
    assert text("tag", " vip ") == "vip"
    assert text_or_none("reason", "  ") is None
    assert text_or_none("reason", " late ") == "late"
    with pytest.raises(Malformed, match="tag: is empty"):
        text("tag", " ")
    with pytest.raises(Malformed, match="tag: has 201 characters, 200 are allowed"):
        text("tag", "x" * 201)


def test_a_refusal_is_a_sentence_with_its_numbers() -> None:
    refusal = NotFound(what="order", id="A-1")
    assert str(refusal) == "There is no order A-1."
    assert refusal.about == {"what": "order", "id": "A-1"}
