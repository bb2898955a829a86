"""The statistics of a campaign, against published and hand-made examples."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.conversion.statistics import (
    BOOTSTRAP_UP_TO,
    Spell,
    incremental_revenue,
    kaplan_meier,
    newcombe,
    wilson,
)


def test_newcombes_interval_is_that_of_his_paper() -> None:
    interval = newcombe(56, 70, 48, 80)
    assert pytest.approx(0.2) == 56 / 70 - 48 / 80
    assert interval.low == pytest.approx(0.0524, abs=5e-5)
    assert interval.high == pytest.approx(0.3339, abs=5e-5)


def test_newcombes_interval_of_nothing_against_nothing_is_not_a_point() -> None:
    interval = newcombe(0, 10, 0, 20)
    assert interval.low == pytest.approx(-0.1611, abs=5e-5)
    assert interval.high == pytest.approx(0.2775, abs=5e-5)


def test_wilsons_interval_is_that_of_newcombes_paper_on_one_rate() -> None:
    interval = wilson(81, 263)
    assert interval.low == pytest.approx(0.2553, abs=5e-5)
    assert interval.high == pytest.approx(0.3662, abs=5e-5)


@given(st.integers(1, 2000), st.data())
def test_a_rate_lies_in_its_interval(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    interval = wilson(successes, trials)
    assert 0 <= interval.low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= interval.high <= 1


def test_the_estimate_of_a_half_watched_campaign() -> None:
    """Ten watched: one converts on day 1, two go out of sight, one of seven converts on day 2."""
    shares = kaplan_meier([Spell(1, 10, 1), Spell(2, 7, 1)], 3)
    assert shares == pytest.approx([1 - 9 / 10, 1 - 9 / 10 * 6 / 7, 1 - 9 / 10 * 6 / 7])


def test_the_estimate_of_a_wholly_watched_campaign_is_the_share_that_converted() -> None:
    shares = kaplan_meier([Spell(1, 8, 2), Spell(2, 6, 1), Spell(4, 5, 5)], 4)
    assert shares == pytest.approx([2 / 8, 3 / 8, 3 / 8, 1])


def test_incremental_revenue_is_what_the_treated_brought_beyond_as_many_controls() -> None:
    treated = {Decimal(0): 2, Decimal(30): 2}
    control = {Decimal(0): 3, Decimal(20): 1}
    gain = incremental_revenue(treated, control, seed=7)
    assert gain.amount == pytest.approx((15 - 5) * 4)
    assert (gain.method, gain.resamples, gain.seed) == ("bootstrap", 2000, 7)


def test_the_bootstrap_is_drawn_by_its_seed_whatever_order_the_revenues_come_in() -> None:
    treated = {Decimal(0): 80, Decimal(10): 15, Decimal(40): 5}
    control = {Decimal(0): 85, Decimal(10): 15}
    one = incremental_revenue(treated, control, seed=7)
    again = incremental_revenue(dict(reversed(treated.items())), control, seed=7)
    other = incremental_revenue(treated, control, seed=8)
    assert one == again
    assert one.interval != other.interval
    assert one.interval is not None
    assert one.interval.low < one.amount < one.interval.high


def test_where_nobody_differs_the_interval_is_a_point() -> None:
    gain = incremental_revenue({Decimal(10): 5}, {Decimal(4): 3}, seed=7)
    assert gain.interval is not None
    assert (gain.interval.low, gain.interval.high) == (30, 30)


def test_an_arm_of_one_has_no_interval() -> None:
    assert incremental_revenue({Decimal(10): 5}, {Decimal(4): 1}, seed=7).interval is None


def test_large_arms_are_compared_by_welch() -> None:
    """Equal halves of 0 and 2 have mean 1 and variance n / (n - 1)."""
    n = BOOTSTRAP_UP_TO + 2
    halves = {Decimal(0): n // 2, Decimal(2): n // 2}
    gain = incremental_revenue(halves, {Decimal(0): n // 2, Decimal(1): n // 2}, seed=7)
    reach = 1.96 * ((1 + 0.25) / (n - 1)) ** 0.5 * n
    assert gain.method == "welch"
    assert gain.interval is not None
    assert gain.amount == pytest.approx(n / 2)
    assert gain.interval.low == pytest.approx(n / 2 - reach, rel=1e-3)
    assert gain.interval.high == pytest.approx(n / 2 + reach, rel=1e-3)


def test_welch_widens_for_a_small_arm_as_student_says() -> None:
    """Only the control varies: 1, 2, 3, 4, 5 with mean 3, variance 2.5 and 4 degrees of freedom."""
    n = BOOTSTRAP_UP_TO + 1
    control = {Decimal(value): 1 for value in range(1, 6)}
    gain = incremental_revenue({Decimal(3): n}, control, seed=7)
    assert gain.interval is not None
    assert gain.interval.high == pytest.approx(2.776 * (2.5 / 5) ** 0.5 * n, rel=1e-3)


def test_welch_and_the_bootstrap_agree_on_what_both_can_tell() -> None:
    treated = {Decimal(value): 50 for value in range(100)}
    control = {Decimal(value): 45 for value in range(100)}
    resampled = incremental_revenue(treated, control, seed=7).interval
    larger = incremental_revenue({v: n * 3 for v, n in treated.items()}, control, seed=7).interval
    assert resampled is not None
    assert larger is not None
    assert resampled.low < 0 < resampled.high
    assert (larger.high - larger.low) / 3 == pytest.approx(
        (resampled.high - resampled.low) * ((1 / 15000 + 1 / 4500) / (1 / 5000 + 1 / 4500)) ** 0.5,
        rel=0.05,
    )
