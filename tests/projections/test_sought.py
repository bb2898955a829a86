"""Of many who are looked for at once those are found who are found by looking for each alone."""

import json
import re
from typing import Final
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.shared.ids import Ids
from domain.shared.naming import identities_named
from projections.marks import Marks
from projections.sought import Sought
from projections.spelling import numbers_in, spellings

IDS: Final = Ids(b"sought" * 6)

shops = st.sampled_from(["tea", "coffee"])
users = st.sampled_from(["u1", "u2", "u3"])
addresses = st.builds(
    "{}@{}".format,
    st.sampled_from(["a", "ada", "ada.mark", "mark", "ada@home", "é.a"]),
    st.sampled_from(["example.com", "example.com.au", "a.example.com", "com"]),
)
numbers = st.from_regex(r"(44|1)?20794600(1|2)8(44)?", fullmatch=True)
words = st.sampled_from(["555-0111", "1-555-0111", "5550111"])


@st.composite
def people(draw: st.DrawFn) -> tuple[str, Marks]:
    shop = draw(shops)
    whose = frozenset(IDS.user(shop, user) for user in draw(st.sets(users)))
    return shop, Marks(
        whose,
        words=frozenset(draw(st.sets(words))),
        addresses=frozenset(draw(st.sets(addresses))),
        numbers=frozenset(draw(st.sets(numbers))),
    )


said = st.one_of(
    addresses,
    numbers,
    words,
    st.text("ad.-@1+2 0é", max_size=4),
    st.sampled_from([" ", ",", "<", "mailto:", "+", "(0)", "0", ".", "-", "\\u0040", "%40"]),
)
messages = st.builds(
    lambda user, parts: json.dumps({"userId": user, "note": "".join(parts)}).encode(),
    users,
    st.lists(said, max_size=8),
)


def has_address(text: str, address: str) -> bool:
    alone = rf"(?<![a-z0-9]){re.escape(address)}(?![a-z0-9]|[.-][a-z0-9])"
    return re.search(alone, text) is not None


def has_number(text: str, number: str) -> bool:
    return any(number in digits or number.endswith(digits) for digits in numbers_in(text))


def are_in(message: bytes, shop: str, their_shop: str, marks: Marks) -> bool:
    """Look for one mark after the other."""
    own = shop == their_shop
    return (own and bool(marks.identities & identities_named(message, IDS, shop))) or any(
        any(has_address(text, address) for address in marks.addresses)
        or any(has_number(text, number) for number in marks.numbers)
        or (own and any(word in text for word in marks.words))
        for text in spellings(message)
    )


@given(st.lists(people(), max_size=4), messages, shops)
def test_of_many_those_are_found_who_are_found_alone(
    known: list[tuple[str, Marks]], message: bytes, shop: str
) -> None:
    sought = Sought(IDS, {UUID(int=n): one for n, one in enumerate(known)})
    alone = {
        UUID(int=n)
        for n, (theirs, marks) in enumerate(known)
        if are_in(message, shop, theirs, marks)
    }
    assert sought.named(message, shop) == alone
