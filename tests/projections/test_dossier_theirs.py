"""Of a refused message people are told what is theirs, and nothing of others."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.dossier.theirs import theirs

WHOLE = "/v1/batch"
ADAS = {"userId": "ada", "event": "Tea Tasted"}
BOBS = {"userId": "bob", "traits": {"email": "bob@example.com"}}


def told(message: bytes, *, place: str = "event 0", reason: str = "missing") -> bytes | None:
    """Return what Ada is told of a message."""
    return theirs(message, lambda part: b'"ada"' in part, place=place, reason=reason)


def told_of(sent: Any, place: str = "event 0") -> Any:
    said = told(json.dumps(sent).encode(), place=place)
    return None if said is None else json.loads(said)


def test_of_a_batch_that_was_refused_whole_they_are_told_their_own_events() -> None:
    many = {"batch": [ADAS, BOBS, ADAS], "sentAt": "2026-11-20T10:15:00Z"}
    assert told_of(many, WHOLE) == {**many, "batch": [ADAS, ADAS]}
    assert told_of({"batch": [ADAS]}, WHOLE) == {"batch": [ADAS]}


def test_a_batch_that_names_them_only_by_what_its_events_share_is_withheld() -> None:
    shared = {"context": {"traits": {"id": "ada"}}}
    assert told_of({**shared, "batch": [BOBS, {"event": "Seen"}]}, WHOLE) is None
    assert told_of({**shared, "batch": [{"event": "Seen"}]}, WHOLE) is not None


@pytest.mark.parametrize(
    ("sent", "hers"),
    [
        ([ADAS, BOBS], [ADAS]),
        ({"batch": [ADAS, BOBS]}, {"batch": [ADAS]}),
        ({"batch": [[ADAS, BOBS]]}, {"batch": [[ADAS]]}),
        (
            {"batch": [{"batch": [BOBS, ADAS]}], "type": "track"},
            {"batch": [{"batch": [ADAS]}], "type": "track"},
        ),
        ({"batch": [{"batch": [BOBS, [BOBS, ADAS, 1]]}]}, {"batch": [{"batch": [[ADAS]]}]}),
        ({"batch": [{**ADAS, "batch": 1}]}, {"batch": [{**ADAS, "batch": 1}]}),
        ([[[[[[[[[[ADAS, BOBS]]]]]]]]]], None),
    ],
)
def test_of_events_in_a_list_or_in_a_batch_within_another_they_are_told_their_own(
    sent: Any, hers: Any
) -> None:
    assert told_of(sent) == hers


def test_of_two_batches_under_one_name_nothing_of_others_is_told() -> None:
    both = b'{"batch":[{"userId":"bob"}],"batch":[{"userId":"ada"}]}'
    assert told(both) == b'{"batch":[{"userId":"ada"}]}'


nested = st.recursive(
    st.sampled_from([ADAS, BOBS]),
    lambda below: (
        st.lists(below, min_size=1, max_size=3)
        | st.builds(lambda events: {"batch": events}, st.lists(below, min_size=1, max_size=3))
    ),
    max_leaves=8,
)


@given(nested)
def test_however_events_lie_within_one_another_nothing_of_others_is_told(sent: Any) -> None:
    if "ada" in json.dumps(sent):
        assert "bob" not in json.dumps(told_of(sent))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b'{"userId":"ada"}\n{"userId":"bob"}', "broken-json"),
        (b'[{"userId":"ada"},{"userId":"bob"}', "broken-json"),
        (b'{"batch": [{"userId":"ada"},{"userId":"bob"}', "broken-json"),
        (b'{"b\\u0061tch": [{"userId":"ada"},{"userId":"bob"}', "broken-json"),
        (b'{"batch":[{"userId":"ada","\xed":1},{"userId":"bob"}]}', "bad-text"),
        (b'{"\xed":1,"batch":[{"userId":"ada"},{"userId":"bob"}]}', "bad-text"),
        (b'\x00\x12{"userId":"ada"}\x00\x14{"userId":"bob"}\x00', "torn-record"),
    ],
)
def test_what_may_be_several_events_and_cannot_be_taken_apart_is_withheld(
    message: bytes, reason: str
) -> None:
    assert told(message, place="/v1/track", reason=reason) is None


@pytest.mark.parametrize("place", ["/v1/track", "event 3"])
def test_what_cannot_be_taken_apart_is_told_if_it_is_one_event(place: str) -> None:
    for torn in (b'{"userId":"ada", ', b'{"userId":"ada","\xed":1}'):
        assert told(torn, place=place) == torn
        assert told(torn, place=WHOLE) is None


@given(nested, st.integers(0), st.integers(0, 255))
def test_of_whatever_bytes_it_is_told_or_withheld(sent: Any, at: int, byte: int) -> None:
    message = bytearray(json.dumps(sent).encode())
    message[at % len(message)] = byte
    said = told(bytes(message))
    assert said is None or len(said) <= len(message)
