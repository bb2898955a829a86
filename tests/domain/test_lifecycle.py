"""Lifecycle policies: numbers that do not contradict each other."""

from decimal import Decimal
from typing import Any

import pytest

from domain.lifecycle.aggregate import LifecyclePolicy
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.shared.money import UnknownCurrency
from domain.shared.refusals import Malformed
from tests.scenario import of

adopted = LifecyclePolicyAdopted(new_days=60, silent_after_days=45, lost_after_days=120)
default = LifecyclePolicyAdopted()


def test_a_policy_is_adopted() -> None:
    of(LifecyclePolicy).when(lambda p: p.adopt(adopted)).then(adopted)


def test_the_same_policy_again_is_not_news() -> None:
    of(LifecyclePolicy).given(default, adopted).when(lambda p: p.adopt(adopted)).then_nothing()


def test_an_earlier_policy_may_come_back() -> None:
    of(LifecyclePolicy).given(default, adopted).when(lambda p: p.adopt(default)).then(default)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"new_days": 0}, "new_days"),
        ({"won_back_days": 0}, "won_back_days"),
        ({"silent_after_days": 0}, "silent_after_days"),
        ({"lost_after_days": 36_501}, "lost_after_days"),
        ({"silent_after_days": 180}, "lost_after_days"),
        ({"silent_after_days": 181}, "lost_after_days"),
        ({"general_value": Decimal(0)}, "general_value"),
        ({"high_value": Decimal("NaN")}, "high_value"),
        ({"high_value": Decimal(300)}, "high_value"),
    ],
)
def test_numbers_that_contradict_each_other_are_malformed(
    change: dict[str, Any], field: str
) -> None:
    bad = LifecyclePolicyAdopted(**change)
    of(LifecyclePolicy).when(lambda p: p.adopt(bad)).then_refused(Malformed, f"{field}: ")


def test_an_unknown_currency_is_refused() -> None:
    bad = LifecyclePolicyAdopted(currency="??")
    of(LifecyclePolicy).when(lambda p: p.adopt(bad)).then_refused(UnknownCurrency)
