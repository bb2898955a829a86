"""The statistics of a campaign: intervals of rates and revenue, and conversion while it is watched.

All intervals are two-sided, at 95 %, and meant for one look, when the recipients are mature.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from math import sqrt
from operator import itemgetter
from statistics import NormalDist
from typing import Final

import numpy as np

Z: Final = NormalDist().inv_cdf(0.975)
RESAMPLES: Final = 2_000
BOOTSTRAP_UP_TO: Final = 10_000
"""Above this many recipients in an arm, Welch's interval takes the bootstrap's place."""

Takings = Mapping[Decimal, int]
"""How many recipients of an arm brought each revenue, those who brought nothing included."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, both included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Incremental:
    """Revenue that the treated brought beyond what as many controls would have brought.

    `method`: bootstrap (with `resamples` and `seed`) or welch. No interval: an arm is below two.
    """

    amount: float
    interval: Interval | None
    method: str
    resamples: int | None = None
    seed: int | None = None


def wilson(successes: int, trials: int) -> Interval:
    """Return the interval of one rate. Raises ZeroDivisionError when nothing was tried.

    Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    share, square = successes / trials, Z * Z
    middle = share + square / (2 * trials)
    spread = Z * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    return Interval(max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale))


def newcombe(successes: int, trials: int, other_successes: int, other_trials: int) -> Interval:
    """Return the interval of the difference of two independent rates, the first less the other.

    The hybrid score method: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.
    """
    one, other = successes / trials, other_successes / other_trials
    first, second = wilson(successes, trials), wilson(other_successes, other_trials)
    difference = one - other
    return Interval(
        difference - sqrt((one - first.low) ** 2 + (second.high - other) ** 2),
        difference + sqrt((first.high - one) ** 2 + (other - second.low) ** 2),
    )


@dataclass(frozen=True, slots=True)
class Spell:
    """Conversions on one day of the window between which nobody went out of sight unconverted.

    `at_risk`: recipients still watched and not yet converted when the first of them came.
    """

    day: int
    at_risk: int
    converted: int


def kaplan_meier(spells: Iterable[Spell], days: int) -> list[float]:
    """Return the estimated share converted within 1, 2 … `days` days.

    Kaplan and Meier (1958), Journal of the American Statistical Association 53, 457-481. Between
    two censorings the factors of single conversions shorten to one, so a spell is enough. A
    recipient that goes out of sight at the instant of a conversion was still at risk then.
    """
    staying = [1.0] * days
    for spell in spells:
        factor = 1 - spell.converted / spell.at_risk
        for day in range(spell.day - 1, days):
            staying[day] *= factor
    return [1 - share for share in staying]


def spells_of(watched: Iterable[tuple[timedelta, bool]]) -> list[Spell]:
    """Return one spell for each instant of a conversion, from everybody's time under watch.

    `watched`: how long after its anchor a recipient converted (true), or went out of sight (false).
    """
    times = sorted(watched)
    spells = []
    for elapsed, together in groupby(times, key=itemgetter(0)):
        converted = sum(happened for _, happened in together)
        if converted:
            at_risk = len(times) - bisect_left(times, (elapsed, False))
            spells.append(Spell(elapsed // timedelta(days=1) + 1, at_risk, converted))
    return spells


def incremental_revenue(treated: Takings, control: Takings, seed: int) -> Incremental:
    """Return (mean treated - mean control) x treated, with an interval where there can be one.

    Raises ZeroDivisionError when an arm is empty.
    """
    many, few = sum(treated.values()), sum(control.values())
    amount = float((_mean(treated) - _mean(control)) * many)
    if max(many, few) > BOOTSTRAP_UP_TO:
        return Incremental(amount, _welch(treated, control), "welch")
    interval = _bootstrap(treated, control, seed) if min(many, few) > 1 else None
    return Incremental(amount, interval, "bootstrap", RESAMPLES, seed)


def _bootstrap(treated: Takings, control: Takings, seed: int) -> Interval:
    """Resample each arm with replacement; the middle 95 % of the incremental revenues.

    The percentile interval: Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 13.
    """
    chance = np.random.default_rng(seed)
    size = sum(treated.values())
    gains = (_resampled_means(treated, chance) - _resampled_means(control, chance)) * size
    low, high = np.quantile(gains, [0.025, 0.975])
    return Interval(float(low), float(high))


def _resampled_means(
    takings: Takings, chance: np.random.Generator
) -> "np.typing.NDArray[np.float64]":
    values = sorted(takings)
    brought = np.repeat([float(v) for v in values], [takings[v] for v in values])
    return np.array(
        [brought[chance.integers(0, len(brought), len(brought))].mean() for _ in range(RESAMPLES)]
    )


def _welch(treated: Takings, control: Takings) -> Interval | None:
    """Return the interval of unequal variances: Welch (1947), Biometrika 34, 28-35."""
    many, few = sum(treated.values()), sum(control.values())
    if min(many, few) < 2:  # noqa: PLR2004  # one value has no variance
        return None
    gain = float((_mean(treated) - _mean(control)) * many)
    one, other = _variance(treated) / many, _variance(control) / few
    if one + other == 0:
        return Interval(gain, gain)
    freedom = (one + other) ** 2 / (one**2 / (many - 1) + other**2 / (few - 1))
    reach = _student(freedom) * sqrt(one + other) * many
    return Interval(gain - reach, gain + reach)


def _student(freedom: float) -> float:
    """Return Student's 97.5 % quantile: Abramowitz and Stegun (1964), 26.7.5 (0.005 off at 4)."""
    z, n = Z, freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4)
    )


def _mean(takings: Takings) -> Decimal:
    return sum((v * n for v, n in takings.items()), Decimal(0)) / sum(takings.values())


def _variance(takings: Takings) -> float:
    mean = _mean(takings)
    squares = sum(((v - mean) ** 2 * n for v, n in takings.items()), Decimal(0))
    return float(squares / (sum(takings.values()) - 1))
