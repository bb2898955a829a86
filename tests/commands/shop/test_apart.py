"""A batch that no reader takes whole is taken apart: its events stay what they are."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.shop.refusals import BrokenJson
from tests.commands.shop.shops import open_batch

_anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(_anything), _anything)
def test_taken_apart_or_not_a_batch_says_the_same(items: list[Any], more: Any) -> None:
    whole = {"batch": items, "more": more, "sentAt": "[{"}
    plain = json.dumps(whole, indent=1)
    spoilt = plain[:-1] + ', "spoilt": NaN}'
    strictly, apart = (open_batch(text.encode()) for text in (plain, spoilt))
    assert [json.loads(bytes(item)) for item in apart.batch] == items
    assert [json.loads(bytes(item)) for item in strictly.batch] == items
    assert apart.sent_at == strictly.sent_at


@given(st.text('{}[]",:\\ nN1aé', max_size=40))
def test_what_is_no_json_is_refused_as_a_whole(text: str) -> None:
    body = b'{"batch":[' + text.encode() + b',NaN],"spoilt":NaN}'
    try:
        json.loads(body)
    except ValueError:
        with pytest.raises(BrokenJson):
            open_batch(body)
    else:
        assert open_batch(body).batch
