"""Every measure runs, in its smallest form, and answers figures of the shape that is promised."""

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from rich.console import Console

from tests.bench import report
from tests.bench.chart import chart
from tests.bench.ground import Ground, Sizes
from tests.bench.measure import Figure, Goal, Side, in_turn, share
from tests.bench.measures import MEASURES
from tests.bench.run import run

PROMISED = {"ours", "against", "ratio", "goal", "met", "unit"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_measure_tells_what_is_promised(
    server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIKE_SETTINGS", "/dev/null")
    figures: list[Figure] = []
    with Ground(server_folder / "bench", Sizes(quick=True)) as ground:
        for measure in MEASURES.values():
            found = list(measure.run(ground))
            assert all(figure.name.startswith(measure.name) for figure in found)
            figures += found
    told = msgspec.json.decode(report.as_json(figures))
    assert len(told) == len(figures)
    for figure in told.values():
        assert figure.keys() >= PROMISED
        assert figure["ours"] > 0
        assert (figure["against"] is None) == (figure["ratio"] is None)
        assert (figure["goal"] is None) == (figure["met"] is None)
    Console(quiet=True).print(report.as_table(figures))
    assert all(f"| {figure.name} |" in report.as_markdown(figures) for figure in figures)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_follows_by_kafka_is_measured_too(
    server_folder: Path, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIKE_SETTINGS", "/dev/null")
    with Ground(server_folder / "bench", Sizes(quick=True), kafka=kafka_bootstrap) as ground:
        found = {figure.name: figure for figure in MEASURES["publish"].run(ground)}
    assert found["publish-kafka"].ours.median > 0
    assert found.keys() >= {"publish-log", "publish-accepted"}


def figure(*, ours: tuple[float, ...], against: tuple[float, ...], goal: Goal) -> Figure:
    return Figure(
        name="a", about="b", unit="c", ours=Side(ours), against=Side(against), goals=(goal,)
    )


def test_a_ratio_is_of_medians() -> None:
    slow_once = figure(ours=(10, 12, 1), against=(5, 4, 5), goal=Goal("ratio", "at least", 2))
    assert slow_once.ratio == 2
    assert slow_once.met
    assert not figure(ours=(9,), against=(5,), goal=Goal("ratio", "at least", 2)).met


def test_a_goal_may_be_a_most() -> None:
    assert figure(ours=(3,), against=(2,), goal=Goal("ratio", "at most", 1.5)).met
    assert not figure(ours=(3,), against=(2,), goal=Goal("ours", "at most", 2)).met


def test_a_figure_may_have_several_goals() -> None:
    found = Figure(
        name="a",
        about="b",
        unit="c",
        ours=Side((5,)),
        against=Side((4,)),
        goals=(Goal("ratio", "at most", 2), Goal("ours", "at least", 6)),
    )
    assert found.goal == "ratio <= 2, ours >= 6"
    assert found.met is False


def test_a_share_of_values_is_one_of_them() -> None:
    assert share([3, 1, 2], 0.5) == 2
    assert share([7], 0.99) == 7


def test_a_chart_has_a_curve_for_each_and_a_line_for_the_goal() -> None:
    drawn = ET.fromstring(  # noqa: S314  # our own
        chart("Growth", [1, 10], {"append": [1, 1.2], "view": [1, 3]}, limit=1.5)
    )
    svg = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f"{svg}polyline")) == 2
    assert "goal: 1.5" in [text.text for text in drawn.findall(f"{svg}text")]


def test_the_sides_take_turns_and_nobody_is_always_first() -> None:
    order: list[tuple[str, int]] = []

    def side(name: str, value: float) -> float:
        order.append((name, int(value)))
        return value

    ours, against = in_turn(lambda n: side("ours", n), lambda n: side("other", n), rounds=2)
    assert order == [("ours", 1), ("other", 1), ("other", 2), ("ours", 2)]
    assert ours.rounds == against.rounds == (1, 2)


def test_who_asks_for_a_measure_that_there_is_not_is_told_which_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["speed"]) == 2
    told = capsys.readouterr().err
    assert all(name in told for name in MEASURES)
