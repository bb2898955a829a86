"""The rules for alerts ask for what is measured."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.access import TABLE
from api.errors import slug_of
from domain.shared.refusals import Refused
from infra.metrics import Follower, Metrics
from infra.upkeep import Upkeep
from tests.docs.running import DOCS

(GROUP,) = yaml.safe_load((DOCS / "how-to" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
RULES: Final = {rule["alert"]: rule for rule in GROUP["rules"]}
SAMPLE: Final = re.compile(r"\b(huike_\w+)(?:{([^}]*)})?")


@pytest.fixture(scope="module")
def measured() -> dict[str, set[str]]:
    """Return the names of samples, each with its labels."""
    metrics = Metrics()
    view = Follower(
        kind="view", name="profile", position=1, facts_behind=1, seconds_behind=1.0, stopped=0
    )
    backup = Upkeep("backup", datetime(2026, 1, 1, tzinfo=UTC), 1, None, None, 60.0, 0)
    metrics.watch(lambda: [view], lambda: [backup])
    metrics.requests.labels("GET", "/health", "200").observe(0.1)
    metrics.refusals.labels("no-key").inc()
    families = text_string_to_metric_families(metrics.text().decode())
    return {s.name: set(s.labels) for family in families for s in family.samples}


def refusals() -> set[str]:
    def below(kind: type[Refused]) -> set[type[Refused]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    return {slug_of(kind) for kind in below(Refused)}


@pytest.mark.parametrize("name", RULES)
def test_what_a_rule_asks_for_is_measured(name: str, measured: dict[str, set[str]]) -> None:
    rule: dict[str, Any] = RULES[name]
    asked = SAMPLE.findall(rule["expr"])
    assert asked
    for sample, labels in asked:
        assert sample in measured
        assert set(re.findall(r"(\w+)=", labels)) <= measured[sample]
        for reason in re.findall(r'reason=~?"([^"]+)"', labels):
            assert set(reason.split("|")) <= refusals()
        for routes in re.findall(r'route=~"([^"]+)"', labels):
            known = {operation.partition(" ")[2] for operation in TABLE}
            assert all(
                any(re.fullmatch(route, each) for each in known) for route in routes.split("|")
            )
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in {"page", "day"}
