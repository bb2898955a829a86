"""One machine as its operator sees it: keys, questions, mistakes, each told in a sentence."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from projections.catalogue import VIEWS
from tests.cli.running import (
    TRACEBACK,
    Done,
    Installation,
    Running,
    await_that,
    part_of,
    track,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SENTENCE = re.compile(r"[A-Z][^\n]*\.\n?")


@pytest.fixture(scope="module")
def installation(run_root: Path) -> Installation:
    return Installation(Path(tempfile.mkdtemp(dir=run_root)))


@pytest.fixture(scope="module")
def up(installation: Installation) -> Iterator[Running]:
    with installation.up() as process:
        yield process


@pytest.fixture(scope="module")
def shop(installation: Installation, up: Running) -> Iterator[httpx2.Client]:
    """Give a client of a shop with a customer."""
    assert up.poll() is None
    told = {"type": "identify", "userId": "ada", "messageId": "m1", "traits": {"plan": "gold"}}
    order = {**track(2, "ada", order_id="1001", total="42.50"), "event": "Order Completed"}
    with installation.client(installation.key("ingest", "query")) as client:
        client.post("/v1/batch", json={"batch": [told, order]}).raise_for_status()
        await_that(lambda: client.get("/api/customers/by/user/ada").is_success, installation.told)
        yield client


def last_line(done: Done) -> str:
    """Return what a refused command said; it is no traceback."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert TRACEBACK not in done.stderr
    line = done.stderr.splitlines()[-1]
    assert SENTENCE.fullmatch(line), line
    return line


def test_a_key_is_printed_alone_on_the_last_line(installation: Installation, up: Running) -> None:
    assert up.poll() is None
    made = installation.run("keys", "add", "till", "--scope", "ingest", "--scope", "query")
    assert made.returncode == 0
    assert re.fullmatch(r"hk_\S{43}\n", made.stdout)
    assert "till" in made.stderr


def test_the_list_of_keys_shows_no_secret(installation: Installation, up: Running) -> None:
    assert up.poll() is None
    secret = installation.key("audit")
    listed = installation.run("keys", "list")
    assert listed.returncode == 0
    assert secret not in listed.stdout
    assert secret[:9] in listed.stdout


def test_a_revoked_key_is_refused_within_a_second(installation: Installation, up: Running) -> None:
    assert up.poll() is None
    secret = installation.key("query")
    with installation.client(secret) as client:
        await_that(lambda: client.get("/api/customers").is_success, installation.told)
        revoked = installation.run("keys", "revoke", secret[:9])
        assert revoked.returncode == 0, revoked.stderr
        await_that(lambda: client.get("/api/customers").status_code == 401, within=2)


def test_a_scope_that_there_is_not_is_refused(installation: Installation, up: Running) -> None:
    assert up.poll() is None
    made = installation.run("keys", "add", "till", "--scope", "everything")
    assert made.returncode == 2
    assert not made.stdout
    assert "ingest" in made.stderr
    assert TRACEBACK not in made.stderr


def test_a_key_that_there_is_not_cannot_be_revoked(installation: Installation, up: Running) -> None:
    assert up.poll() is None
    revoked = installation.run("keys", "revoke", "nobody")
    assert revoked.returncode == 2
    assert "nobody" in revoked.stderr
    assert TRACEBACK not in revoked.stderr


def test_which_of_two_keys_is_revoked_must_be_said(installation: Installation, up: Running) -> None:
    assert up.poll() is None
    made = [installation.run("keys", "add", "till", "--scope", "ingest") for _ in range(2)]
    revoked = installation.run("keys", "revoke", "till")
    assert revoked.returncode == 2
    assert "say what the key begins with" in revoked.stderr
    listed = installation.run("keys", "list").stdout
    for key in made:
        assert key.stdout[:9] in listed
        assert installation.run("keys", "revoke", key.stdout[:9]).returncode == 0


def test_the_doctor_finds_nothing_wrong_with_what_runs(
    installation: Installation, shop: httpx2.Client
) -> None:
    assert shop.get("/ready").is_success
    await_that(lambda: installation.run("doctor").returncode == 0)
    told = installation.run("doctor").stdout
    assert "All is well." in told
    for view in VIEWS:
        assert f"view {view}" in told
    assert f"ready at {installation.url}" in told
    assert re.search(rf"HUIKE_PORT\s+{installation.port}\s+environment", told)
    assert re.search(r"HUIKE_CURRENCY\s+USD\s+default", told)


@pytest.mark.parametrize("view", list(VIEWS))
def test_a_view_is_verified_while_it_is_live(
    installation: Installation, shop: httpx2.Client, view: str
) -> None:
    assert shop.get("/ready").is_success
    verified = installation.run("verify", view)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "No differences" in verified.stdout


def test_a_view_is_rebuilt_while_it_serves(installation: Installation, shop: httpx2.Client) -> None:
    rebuilt = installation.run("rebuild", "profile", "--yes", "--processes", "1", within=100)
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert shop.get("/api/customers/by/user/ada").json()["orders"] == 1
    assert installation.run("verify", "profile").returncode == 0


def test_a_customer_is_replayed(installation: Installation, shop: httpx2.Client) -> None:
    assert shop.get("/ready").is_success
    told = installation.run("replay", "ada")
    assert told.returncode == 0, told.stderr
    assert "Placed order" in told.stdout
    assert "42.50" in told.stdout
    for written in ("datetime.", "Decimal(", "UUID(", "None", "b'"):
        assert written not in told.stdout, "told in Python's words"
    for column in ("email_index", "name_mask", "next_move_at", "memory"):
        assert column not in told.stdout, "told in the tables' words"
    assert "下单" in installation.run("replay", "ada", "--lang", "zh").stdout
    with installation.client(installation.key("audit")) as auditor:
        reads = auditor.get("/api/audit/access").json()["reads"]
    assert [read["operation"] for read in reads[:2]] == ["huike replay"] * 2
    assert {read["by"]["kind"] for read in reads[:2]} == {"system"}
    assert installation.run("replay", "ada", "--lang", "xx").returncode == 2


def test_a_customer_is_replayed_with_every_column_as_json(
    installation: Installation, shop: httpx2.Client
) -> None:
    assert shop.get("/ready").is_success
    told = json.loads(installation.run("replay", "ada", "--json").stdout)
    assert "order.placed" in [fact["type"] for fact in told["facts"]]
    (profile,) = told["views"]["profile"]["profile"]
    assert profile["orders"] == 1
    assert "email_index" in profile


def test_a_customer_before_its_time_is_unknown(
    installation: Installation, shop: httpx2.Client
) -> None:
    assert shop.get("/ready").is_success
    told = installation.run("replay", "ada", "--at", "2001-01-01")
    assert told.returncode == 1
    assert "Nothing is known of ada by then." in told.stderr


@pytest.mark.parametrize("asked", [("--at", "yesterday"), ("--known-at", "then")])
def test_an_instant_that_is_none_is_refused(
    installation: Installation, shop: httpx2.Client, asked: tuple[str, str]
) -> None:
    assert shop.get("/ready").is_success
    told = installation.run("replay", "ada", *asked)
    assert told.returncode == 2
    assert "2026-03-01T09:00:00Z" in told.stderr
    assert TRACEBACK not in told.stderr


@pytest.mark.parametrize("command", ["verify", "rebuild"])
def test_a_view_that_there_is_not_is_refused(
    installation: Installation, up: Running, command: str
) -> None:
    assert up.poll() is None
    refused = installation.run(command, "nothing")
    assert refused.returncode == 2
    assert "There is no view nothing: profile" in refused.stderr


def test_a_home_is_for_one_at_a_time(installation: Installation, up: Running) -> None:
    told = last_line(installation.run("up"))
    assert told.startswith(f"Another Huike runs on {installation.home}")
    assert up.poll() is None


def test_a_port_is_for_one_at_a_time(
    installation: Installation, up: Running, server_folder: Path
) -> None:
    other = Installation(server_folder, HUIKE_PORT=str(installation.port))
    assert "HUIKE_PORT" in last_line(other.run("up"))
    assert not (other.home / "postgres").exists()  # it had not begun anything
    assert up.poll() is None


def test_a_second_server_on_the_port_says_so(installation: Installation, up: Running) -> None:
    assert up.poll() is None
    assert "HUIKE_PORT" in last_line(installation.run("serve"))


def test_requests_that_go_well_are_not_logged(
    installation: Installation, shop: httpx2.Client
) -> None:
    for n in range(3, 20):
        shop.post("/v1/track", json=track(n, "ada")).raise_for_status()
    assert shop.get("/api/jobs/none").status_code in {403, 404, 422}

    def requests() -> list[dict[str, Any]]:
        written, _, _ = (installation.home / "huike.log").read_text().rpartition("\n")
        lines = map(json.loads, written.splitlines())
        return [line for line in lines if line["message"] == "request"]

    # an answer may arrive before its line is written
    await_that(lambda: any("/api/jobs" in line["route"] for line in requests()), installation.told)
    assert all(line["status"] >= 400 or line["ms"] > 1000 for line in requests())


def test_processes_are_named_by_what_they_do(up: Running) -> None:
    assert psutil.Process(part_of(up, "serve")).is_running()
    assert psutil.Process(part_of(up, "views")).is_running()
