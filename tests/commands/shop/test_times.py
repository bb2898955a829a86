"""When it happened: the sender's clock, corrected, and never the future."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.shop import NotTaken
from tests.commands.shop.shops import NOON, Shop, track


def happened(shop: Shop, **times: str) -> datetime:
    heard = shop.hears({**track(), **times})
    (at,) = {fact.occurred_at for fact in heard.facts}
    return at


def refused(shop: Shop, **times: str) -> str:
    with pytest.raises(NotTaken) as refusal:
        shop.hears({**track(), **times})
    return refusal.value.code


def test_without_a_time_it_happened_when_it_was_received(shop: Shop) -> None:
    assert happened(shop) == NOON
    assert happened(shop, timestamp="") == NOON


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-28T10:00:00Z",
        "2026-02-28T10:00:00.000000+00:00",
        "2026-02-28T18:00:00+08:00",
        "2026-02-28 10:00:00",
        "2026-02-28t10:00:00z",
        "20260228T100000Z",
        "2026-02-28T10:00:00.000000000Z",
    ],
)
def test_times_are_read_as_iso_8601_and_naive_ones_are_utc(shop: Shop, text: str) -> None:
    assert happened(shop, timestamp=text) == datetime(2026, 2, 28, 10, tzinfo=UTC)


def test_a_clock_that_is_hours_off_is_corrected(shop: Shop) -> None:
    fast = {"originalTimestamp": "2026-03-01T17:50:00Z", "sentAt": "2026-03-01T18:00:00Z"}
    slow = {"originalTimestamp": "2026-03-01T03:50:00Z", "sentAt": "2026-03-01T04:00:00Z"}
    for clock in (fast, slow):
        assert happened(shop, **clock) == NOON - timedelta(minutes=10)


def test_a_timestamp_stands_in_for_a_missing_original_one(shop: Shop) -> None:
    times = {"timestamp": "2026-03-01T17:50:00Z", "sentAt": "2026-03-01T18:00:00Z"}
    assert happened(shop, **times) == NOON - timedelta(minutes=10)


def test_the_batchs_sending_time_counts_for_each_message(shop: Shop) -> None:
    message = {**track(), "timestamp": "2026-03-01T17:50:00Z"}
    heard = shop.hears(message, sent_at="2026-03-01T18:00:00Z")
    assert heard.facts[0].occurred_at == NOON - timedelta(minutes=10)


def test_without_a_sending_time_a_corrected_timestamp_counts(shop: Shop) -> None:
    times = {"originalTimestamp": "2026-03-01T03:00:00Z", "timestamp": "2026-03-01T10:00:00Z"}
    assert happened(shop, **times) == NOON - timedelta(hours=2)


def test_an_archived_message_keeps_its_time(shop: Shop) -> None:
    times = {
        "originalTimestamp": "2025-01-01T00:00:00Z",
        "sentAt": "2025-01-01T00:00:05Z",
        "receivedAt": "2025-01-01T01:00:05Z",
    }
    assert happened(shop, **times) == datetime(2025, 1, 1, 1, tzinfo=UTC)


def test_the_future_is_brought_down_to_now(shop: Shop) -> None:
    assert happened(shop, timestamp="2026-03-01T12:00:01Z") == NOON
    assert happened(shop, timestamp="9999-12-31T23:59:59Z") == NOON
    assert happened(shop, timestamp="9999-12-31T23:59:59-10:00") == NOON
    times = {"timestamp": "9999-12-31T00:00:00Z", "sentAt": "2026-03-01T12:00:00Z"}
    assert happened(shop, **times) == NOON


def test_before_1970_nobody_shopped_here(shop: Shop) -> None:
    for text in ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+10:00", "1969-12-31T23:59:59Z"):
        assert refused(shop, timestamp=text) == "impossible-time"
        assert refused(shop, timestamp=text, sentAt="2026-03-01") == "impossible-time"
    late = {"timestamp": "2026-01-01T00:00:00Z", "sentAt": "9999-01-01T00:00:00Z"}
    assert refused(shop, **late) == "impossible-time"


@pytest.mark.parametrize(
    "text", ["yesterday", "1767225600", "2026-13-01", "2026-02-30", "0000-01-01"]
)
def test_what_is_no_time_is_refused(shop: Shop, text: str) -> None:
    assert refused(shop, timestamp=text) == "bad-time"
    assert refused(shop, originalTimestamp=text) == "bad-time"


@pytest.mark.parametrize("sent_at", ["soon", "", 3, None, "0001-01-01T00:00:00Z"])
def test_a_sending_time_that_is_none_corrects_nothing(shop: Shop, sent_at: Any) -> None:
    times = {"timestamp": "2026-03-01T10:00:00Z", "sentAt": sent_at}
    assert happened(shop, **times) == NOON - timedelta(hours=2)


TIMES = st.datetimes(timezones=st.timezones()).map(datetime.isoformat)


@given(original=TIMES, sent=TIMES)
def test_any_time_is_in_the_past_or_refused(original: str, sent: str) -> None:
    shop = Shop()
    try:
        at = happened(shop, originalTimestamp=original, sentAt=sent)
    except NotTaken:
        return
    assert datetime(1970, 1, 1, tzinfo=UTC) <= at <= NOON
