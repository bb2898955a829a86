"""Metrics: what an operator watches, on a registry of its own.

What is shared by all processes (how far each view and the relay have come) is read from the
database when somebody asks, so that it is right whichever process answers; what is counted is each
process's.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from infra.upkeep import Upkeep

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SIZES: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000)
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Follower(msgspec.Struct, frozen=True, kw_only=True):
    """How far behind the log's head something is that follows it: a view, or the relay.

    `stopped`: how many of a view's slots stand at a fact that cannot be folded.
    """

    kind: str
    name: str
    position: int
    facts_behind: int
    seconds_behind: float
    stopped: int


class _Upkeep(Collector):
    def __init__(self, read: Callable[[], Iterable[Upkeep]]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        done = GaugeMetricFamily(
            "huike_upkeep_timestamp_seconds",
            "When a backup, a drill or a seal was last done well; absent: never.",
            labels=("what",),
        )
        facts = GaugeMetricFamily(
            "huike_upkeep_facts_since",
            "Facts that it does not cover; of a drill, facts since the backup that was tried.",
            labels=("what",),
        )
        failed = GaugeMetricFamily(
            "huike_upkeep_failed",
            "1 when it failed since; `huike doctor` says why.",
            labels=("what",),
        )
        for one in self._read():
            if one.at is not None:
                done.add_metric((one.what,), one.at.timestamp())
            facts.add_metric((one.what,), one.facts)
            failed.add_metric((one.what,), one.failure is not None)
        yield from (done, facts, failed)


class _Followers(Collector):
    def __init__(self, read: Callable[[], Iterable[Follower]]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        labels = ("kind", "name")
        facts = GaugeMetricFamily(
            "huike_behind_facts", "Facts in the log that this has not taken yet.", labels=labels
        )
        seconds = GaugeMetricFamily(
            "huike_behind_seconds", "Age of the oldest fact not taken yet.", labels=labels
        )
        position = GaugeMetricFamily(
            "huike_position", "Position up to which everything was taken.", labels=labels
        )
        stopped = GaugeMetricFamily(
            "huike_stopped_slots",
            "Slots that stand at a fact that cannot be folded; `huike doctor` names it.",
            labels=labels,
        )
        for follower in self._read():
            which = (follower.kind, follower.name)
            facts.add_metric(which, follower.facts_behind)
            seconds.add_metric(which, follower.seconds_behind)
            position.add_metric(which, follower.position)
            stopped.add_metric(which, follower.stopped)
        yield from (facts, seconds, position, stopped)


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "huike_http_request_seconds",
            "Time to answer a request, by route and status.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.refusals = Counter(
            "huike_refusals", "What was refused, by reason.", ("reason",), registry=self.registry
        )
        self.commit_facts = Histogram(
            "huike_commit_facts",
            "Facts in one commit; divided by its appends, the size of an append.",
            buckets=_SIZES,
            registry=self.registry,
        )
        self.commit_appends = Histogram(
            "huike_commit_appends", "Appends in one commit.", buckets=_SIZES, registry=self.registry
        )
        self.commit_seconds = Histogram(
            "huike_commit_seconds", "Time of one commit.", buckets=_SECONDS, registry=self.registry
        )

    def watch(
        self,
        followers: Callable[[], Iterable[Follower]],
        upkeep: Callable[[], Iterable[Upkeep]],
    ) -> None:
        """Ask for followers and for upkeep whenever the metrics are asked for."""
        self.registry.register(_Followers(followers))
        self.registry.register(_Upkeep(upkeep))

    def committed(self, appends: int, facts: int, seconds: float) -> None:
        """Count one commit: its appends, their facts, and how long it took."""
        self.commit_appends.observe(appends)
        self.commit_facts.observe(facts)
        self.commit_seconds.observe(seconds)

    def text(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return generate_latest(self.registry)
