"""Each key may fill its share of the door, and no more."""

from contextlib import ExitStack

import pytest

from api.errors import TooOften
from api.shares import Busy, Paces, Shares


def test_a_key_that_has_its_share_in_hand_is_asked_to_wait_and_others_are_not() -> None:
    shares = Shares(10)
    with shares.held("noisy", 8):
        with pytest.raises(Busy), shares.held("noisy", 3):
            pass
        with shares.held("noisy", 2), shares.held("quiet", 9):
            pass
    with shares.held("noisy", 10):
        pass


def test_a_request_larger_than_a_share_is_taken_alone() -> None:
    shares = Shares(10)
    with shares.held("noisy", 2_500), pytest.raises(Busy):
        shares.check("noisy", 1)
    shares.check("noisy", 1)


def test_what_fails_is_not_in_hand_any_more() -> None:
    shares = Shares(10)
    with pytest.raises(TimeoutError), shares.held("noisy", 10):
        raise TimeoutError
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(shares.held("noisy", 1))


def test_empty_requests_at_the_same_time_do_not_trip_over_one_another() -> None:
    shares = Shares(10)
    first, second = shares.held("quiet", 0), shares.held("quiet", 0)
    with ExitStack() as stack:
        stack.enter_context(first)
        with second:
            pass
        stack.enter_context(shares.held("quiet", 9))


def test_a_bucket_fills_evenly() -> None:
    now = 0.0
    paces = Paces(lambda: now)
    for _ in range(60):
        paces.take("eager", 60)
    with pytest.raises(TooOften, match="60 times a minute; come again in 1 s"):
        paces.take("eager", 60)
    now = 30.0
    paces.take("eager", 60, 30)
    with pytest.raises(TooOften, match="in 10 s"):
        paces.take("eager", 60, 10)
    now = 1000.0
    paces.take("eager", 60, 60)
    with pytest.raises(TooOften):
        paces.take("eager", 60)


def test_more_than_a_bucket_is_taken_from_a_full_one_and_waited_for() -> None:
    now = 0.0
    paces = Paces(lambda: now)
    paces.take("bulk", 60, 180)
    with pytest.raises(TooOften, match="in 121 s"):
        paces.take("bulk", 60)
    now = 121.0
    paces.take("bulk", 60)
