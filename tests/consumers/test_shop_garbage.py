"""Whatever is published to the shops' topic: what is none goes to the dead letters, alone."""

import json
from collections.abc import Sequence

import pytest

from tests.consumers.test_shop import VIEWED, Topic, eventually, ingesting, topic

__all__ = ["topic"]

pytestmark = pytest.mark.kafka

Headers = Sequence[tuple[str, bytes]]

DEEP = b'{"type":"track","userId":"1","event":"x","properties":' + b'{"a":' * 9_000
DEEP_DONE = DEEP[: DEEP.index(b'{"a":') + 5 * 5_000] + b"1" + b"}" * 5_001
EVENT = {"specversion": "1.0", "id": "1", "source": "/erp", "type": "track"}
BINARY: Headers = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"1"),
    ("ce_source", b"/erp"),
    ("ce_type", b"track"),
]
STRUCTURED: Headers = [("content-type", b"application/cloudevents+json")]
BATCHED: Headers = [("content-type", b"application/cloudevents-batch+json; charset=utf-8")]


def tracked(**about: object) -> bytes:
    return json.dumps({**VIEWED, **about}).encode()


def event(**about: object) -> bytes:
    return json.dumps({**EVENT, "data": {"userId": "1", "event": "x"}, **about}).encode()


GARBAGE: dict[str, tuple[bytes | None, Headers]] = {
    "nested, and never closed": (DEEP, ()),
    "nested thousands deep": (DEEP_DONE, ()),
    "a list, thousands deep": (b"[" * 20_000 + b"]" * 20_000, ()),
    "half a surrogate pair": (b'{"type":"track","userId":"1","event":"\\ud800"}', ()),
    "half a surrogate pair in a name": (
        b'{"type":"track","userId":"1","event":"x","properties":{"\\udfff":1}}',
        (),
    ),
    "a number of 5,000 digits": (
        b'{"type":"track","userId":"1","event":"x","properties":{"n":' + b"9" * 5_000 + b"}}",
        (),
    ),
    "a userId of 5,000 digits": (
        b'{"type":"track","event":"x","userId":' + b"9" * 5_000 + b"}",
        (),
    ),
    "half a pair beside 5,000 digits": (
        b'{"type":"track","userId":"\\ud800","event":"x","n":' + b"9" * 5_000 + b"}",
        (),
    ),
    "not a number": (b'{"type":"track","userId":"1","event":"x","properties":{"n":NaN}}', ()),
    "bytes": (bytes(range(256)) * 10, ()),
    "NULs": (b"\x00" * 100, ()),
    "NUL in text": (b'{"type":"track","userId":"\\u0000","event":"x"}', ()),
    "nothing": (b"", ()),
    "a tombstone": (None, ()),
    "a tombstone of a CloudEvent": (None, BINARY),
    "a word": (b"hello", ()),
    "a batch": (json.dumps({"batch": [VIEWED]}).encode(), ()),
    "800 KB": (tracked(properties={"x": "y" * 800_000}), ()),
    "a CloudEvent of another version": (tracked(), [("ce_specversion", b"0.3"), *BINARY[1:]]),
    "a CloudEvent of no version": (tracked(), BINARY[1:]),
    "a CloudEvent without a type": (tracked(), BINARY[:3]),
    "a CloudEvent of bytes": (b"\xff\xfe", BINARY),
    "a CloudEvent of other data": (tracked(), [*BINARY, ("content-type", b"application/avro")]),
    "a CloudEvent that is not text": (tracked(), [("ce_specversion", b"\xff\xff"), *BINARY[1:]]),
    "a CloudEvent at no time": (tracked(), [*BINARY, ("ce_time", b"yesterday")]),
    "a CloudEvent with an empty id": (tracked(), [("ce_id", b""), *BINARY[:1], *BINARY[2:]]),
    "a structured CloudEvent of another version": (event(specversion="2.0"), STRUCTURED),
    "a structured CloudEvent without data": (json.dumps(EVENT).encode(), STRUCTURED),
    "a structured CloudEvent of a number": (event(data=1), STRUCTURED),
    "a structured CloudEvent of broken base64": (event(data_base64="&"), STRUCTURED),
    "a structured CloudEvent of other data": (event(datacontenttype="text/xml"), STRUCTURED),
    "a structured CloudEvent, deep": (
        json.dumps(EVENT).encode()[:-1] + b',"data":' + b"[" * 9_000 + b"]" * 9_000 + b"}",
        STRUCTURED,
    ),
    "a structured CloudEvent with deep extensions": (
        event()[:-1] + b',"x":' + b"[" * 9_000 + b"]" * 9_000 + b"}",
        STRUCTURED,
    ),
    "a batch of CloudEvents": (b"[" + event() + b"," + event(id="2") + b"]", BATCHED),
    "no CloudEvent": (b"[]", STRUCTURED),
}
"""What cannot be taken, by what it is."""

ODD: dict[str, tuple[bytes, Headers]] = {
    "huge headers": (tracked(), [(f"x-{n}", b"y" * 1_000) for n in range(300)]),
    "headers that are not text": (tracked(), [("x", b"\xff\xfe"), ("huike-shop", b"\x00\xff")]),
    "a header twice": (tracked(), [("content-type", b"text/xml"), ("content-type", b"")]),
    "an endless name of a shop": (tracked(), [("huike-shop", b"s" * 50_000)]),
    "a structured CloudEvent with a huge id": (event(id="1" * 20_000), STRUCTURED),
    "no currency": (tracked(), [("huike-currency", b"\xf0\x9f\x92\xb0")]),
}
"""What is odd, and is taken all the same."""


def test_each_record_is_taken_or_kept_with_a_reason_and_costs_no_other(topic: Topic) -> None:
    place = topic.settings.kafka_topic_in
    for value, headers in [*GARBAGE.values(), *ODD.values()]:
        topic.out.send(place, key=b"k", value=value, headers=list(headers), partition=0)
        topic.publish(VIEWED)
    topic.out.send(place, value=tracked(), partition=0, timestamp_ms=0)
    published = 2 * (len(GARBAGE) + len(ODD)) + 1
    with ingesting(topic):
        topic.publish(VIEWED)
        eventually(lambda: topic.committed() == published + 1, "everything is settled")
    kept = {one.place: one for one in topic.refused.page(after=None, reason=None, limit=500)}
    fates = {
        what: getattr(kept.get(f"{place}/0@{2 * number}"), "reason", "taken")
        for number, what in enumerate([*GARBAGE, *ODD])
    }
    assert {what for what, fate in fates.items() if fate == "taken"} == set(ODD), fates
    assert "not-recorded" not in fates.values(), fates
    assert topic.tracked() == len(GARBAGE) + 2 * len(ODD) + 2
    assert len(topic.dead(len(GARBAGE))) == len(GARBAGE)


@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
def test_a_shop_may_pack_its_records_as_its_client_does(topic: Topic, codec: str) -> None:
    packing = topic.packing(codec)
    for n in range(20):
        packing.send(topic.settings.kafka_topic_in, value=tracked(messageId=f"m{n}"), partition=0)
    packing.close(timeout=10)
    with ingesting(topic):
        eventually(lambda: topic.tracked() == 20, "all are taken")


class NoText(str):
    """A header's name as clients in C may send it."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:  # bytes that are no text
        return b"\xff\xfe"


@pytest.mark.parametrize("codec", [None, "gzip"])
def test_a_record_that_the_client_cannot_take_apart_costs_no_other(
    topic: Topic, codec: str | None
) -> None:
    place = topic.settings.kafka_topic_in
    torn = {(0, 7), (0, 8), (1, 20)}
    shop = topic.packing(codec)
    for partition in (0, 1):
        for n in range(30):  # many of them in one batch
            headers = [(NoText("x"), b"y")] if (partition, n) in torn else []
            value = tracked(messageId=f"{partition} {n}")
            shop.send(place, value=value, headers=headers, partition=partition)
    shop.close(timeout=10)
    with ingesting(topic):
        topic.publish(VIEWED)
        eventually(lambda: topic.tracked() == 58, "all others are taken")
        eventually(lambda: topic.committed() == 31, "the offset")
        letters = topic.dead(3)
    kept = topic.refused.page(after=None, reason="torn-record", limit=10)
    assert {one.place for one in kept} == {f"{place}/{p}@{n}" for p, n in torn}
    opened = topic.refused.open(kept)
    assert {json.loads(opened[one.id].message)["batch"][0]["messageId"] for one in kept} == {
        f"{partition} {n}" for partition, n in torn
    }
    assert len(letters) == 3
