"""What operators watch: metrics, logs, readiness."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import structlog
from starlette.testclient import TestClient

from api import ingest
from api.services import Services
from infra import logging as our_logging
from infra.upkeep import BACKUP, DRILL, note
from tests.api.shop import Shop, ask


@pytest.fixture
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def metric(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


def test_metrics_say_how_far_behind_each_view_is(
    live: None,  # noqa: ARG001  # it follows
    with_scopes: Callable[..., TestClient],
) -> None:
    shop = Shop(with_scopes("command"))
    ada = shop.customer("ada")
    for view in ("/customers", "/lifecycle", "/campaigns", f"/customers/{ada}/timeline"):
        ask(with_scopes("query"), view, position=shop.position)
    text = with_scopes("metrics").get("/metrics").text
    for view in ("profile", "timeline", "lifecycle", "conversion"):
        which = f'{{kind="view",name="{view}"}}'
        assert metric(text, f"huike_behind_facts{which}") == 0
        assert metric(text, f"huike_behind_seconds{which}") == 0
        assert metric(text, f"huike_position{which}") == shop.position
    assert metric(text, "huike_commit_facts_sum") == shop.position
    assert metric(text, "huike_commit_appends_count") >= 1


def test_who_reads_an_export_slowly_holds_nobody_up(
    services: Services, stranger: TestClient
) -> None:
    exports = services.sources.exports
    with ExitStack() as slow:
        for _ in range(exports.max_size):
            slow.enter_context(exports.connection())
        assert stranger.get("/ready").json()["status"] == "ready"


def test_metrics_say_what_waits(with_scopes: Callable[..., TestClient]) -> None:
    Shop(with_scopes("command")).customer("ada")
    text = with_scopes("metrics").get("/metrics").text
    assert metric(text, "huike_commit_facts_count") == 1


def test_metrics_say_when_the_last_backup_was(
    services: Services, with_scopes: Callable[..., TestClient]
) -> None:
    shop = Shop(with_scopes("command"))
    shop.customer("ada")
    operator = with_scopes("metrics")
    text = operator.get("/metrics").text
    assert "huike_upkeep_timestamp_seconds{" not in text
    assert metric(text, 'huike_upkeep_facts_since{what="backup"}') == shop.position
    with services.writer.connection() as connection:
        note(connection, BACKUP, shop.position)
        note(connection, DRILL, None, "the backup was altered")
    text = operator.get("/metrics").text
    assert metric(text, 'huike_upkeep_timestamp_seconds{what="backup"}') > 1_700_000_000
    assert metric(text, 'huike_upkeep_facts_since{what="backup"}') == 0
    assert metric(text, 'huike_upkeep_failed{what="backup"}') == 0
    assert metric(text, 'huike_upkeep_failed{what="drill"}') == 1


def test_logs_are_json_where_nobody_looks(as_before: None) -> None:  # noqa: ARG001  # it mends
    out = io.StringIO()
    our_logging.configure("info", out=out, for_good=False)
    structlog.get_logger("a part").info("begun", facts=3)
    logging.getLogger("a library").warning("said %s", "this")
    structlog.get_logger().debug("not said")
    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ours["message"], ours["facts"], ours["level"]) == ("begun", 3, "info")
    assert (theirs["message"], theirs["logger"]) == ("said this", "a library")


def test_logs_hold_no_values_of_a_failing_function(as_before: None) -> None:  # noqa: ARG001  # it mends
    for as_json in (True, False):
        out = io.StringIO()
        our_logging.configure("info", out=out, as_json=as_json, for_good=False)

        def failing(email: str) -> None:
            whole = email.partition("@")
            raise ValueError(len(whole))

        try:
            failing("ada@" + "example.com")
        except ValueError:
            structlog.get_logger().exception("broken")
        assert "failing" in out.getvalue()
        assert "ada@example" not in out.getvalue()


def test_a_request_is_logged_by_its_route(
    as_before: None,  # noqa: ARG001  # it mends
    with_scopes: Callable[..., TestClient],
) -> None:
    out = io.StringIO()
    our_logging.configure("debug", out=out, as_json=True, for_good=False)
    client = with_scopes("query")
    client.get("/api/customers/by/email/ada@example.com", headers={"X-Request-ID": "0" * 32})
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    (line,) = [line for line in lines if line["message"] == "request"]
    assert line["route"] == "/api/customers/by/email/{value}"
    assert line["request_id"] == "0" * 32
    assert line["key"] == "a test"
    assert "ada@" not in json.dumps([line for line in lines if line.get("logger") == "api"])


def test_of_many_that_are_asked_to_wait_few_are_logged_and_all_are_counted(
    as_before: None,  # noqa: ARG001  # it mends
    with_scopes: Callable[..., TestClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingest, "MOST_WAITING", -1)
    out = io.StringIO()
    our_logging.configure("info", out=out, as_json=True, for_good=False)
    shop = with_scopes("ingest")
    for _ in range(20):
        assert shop.post("/v1/track", json={"userId": "1", "event": "x"}).status_code == 429
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert 1 <= len([line for line in told if line.get("status") == 429]) < 20
    text = with_scopes("metrics").get("/metrics").text
    assert metric(text, 'huike_refusals_total{reason="busy"}') == 20
