"""Of many who are looked for at once those are found who are found alone."""

import json
from typing import Final
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.shared.ids import Ids
from projections.marks import Marks
from projections.sought import Sought

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


@given(st.lists(people(), max_size=4), messages, shops)
def test_of_many_those_are_found_who_are_found_alone(
    known: list[tuple[str, Marks]], message: bytes, shop: str
) -> None:
    sought = Sought(IDS, {UUID(int=n): one for n, one in enumerate(known)})
    alone = {
        UUID(int=n)
        for n, (its, marks) in enumerate(known)
        if marks.are_in(message, IDS, shop, own=its == shop)
    }
    assert sought.named(message, shop) == alone
