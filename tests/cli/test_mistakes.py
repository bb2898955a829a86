"""What operators get wrong, each told in one sentence, and found by the doctor."""

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.main import get_command

import huike
from infra.settings import Settings
from tests.cli.running import ROOT, TRACEBACK, Done, Installation

pytestmark = pytest.mark.slow

NOBODY = "postgresql://huike:hush@127.0.0.1:1/huike"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield str(held.getsockname()[1])


def refused(done: Done) -> str:
    assert done.returncode == 2, done.stdout + done.stderr
    assert TRACEBACK not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["serve"],
        ["work", "views"],
        ["keys", "list"],
        ["keys", "add", "till", "--scope", "ingest"],
        ["verify", "profile"],
        ["rebuild", "profile"],
        ["replay", "ada"],
        ["audit", "verify"],
        ["audit", "seal"],
        ["audit", "package", "--order", "1001", "--to", "order.zip"],
    ],
)
def test_without_a_database_a_command_says_how_to_have_one(
    installation: Installation, command: list[str]
) -> None:
    told = refused(installation.run(*command))
    assert "`huike up`" in told
    assert "HUIKE_LOG_URL" in told


@pytest.mark.slow
@pytest.mark.parametrize("command", [["up"], ["serve"], ["work", "views"], ["keys", "list"]])
def test_a_database_that_does_not_answer_is_named_without_its_password(
    installation: Installation, command: list[str]
) -> None:
    told = refused(installation.run(*command, HUIKE_LOG_URL=NOBODY))
    assert "HUIKE_LOG_URL" in told
    assert "hush" not in told


@pytest.mark.slow
def test_an_address_that_is_none_is_told(installation: Installation) -> None:
    assert "is no address" in refused(installation.run("serve", HUIKE_LOG_URL="nonsense"))


@pytest.mark.slow
def test_a_setting_that_cannot_be_is_told(installation: Installation) -> None:
    assert refused(installation.run("serve", HUIKE_PORT="many")).startswith("HUIKE_PORT: ")


@pytest.mark.slow
def test_a_port_in_use_is_told(installation: Installation, taken_port: str) -> None:
    told = refused(installation.run("serve", HUIKE_PORT=taken_port, HUIKE_LOG_URL=NOBODY))
    assert told.startswith(f"Port {taken_port} is in use: ")
    assert told.endswith("set HUIKE_PORT to another.")


@pytest.mark.slow
def test_an_address_of_another_machine_is_told(installation: Installation) -> None:
    told = refused(installation.run("serve", HUIKE_HOST="192.0.2.1", HUIKE_LOG_URL=NOBODY))
    assert "HUIKE_HOST" in told


def test_what_is_no_auditors_package_is_told(installation: Installation) -> None:
    (installation.folder / "order.zip").write_text("hello")
    told = refused(installation.run("audit", "check", "order.zip"))
    assert told == "order.zip is no auditor's package, or not whole."


def test_what_is_no_certificate_is_told_and_retention_goes_without_a_word(
    installation: Installation,
) -> None:
    (installation.folder / "certificate.json").write_text("{}")
    told = refused(installation.run("retention", "verify", "certificate.json"))
    assert told.startswith("certificate.json is no certificate of retention")
    kept = installation.run("retention")
    assert (kept.returncode, "everything is kept" in kept.stdout) == (0, True)


def test_a_certificate_that_there_is_not_and_an_answer_that_is_none_are_told(
    installation: Installation,
) -> None:
    (installation.folder / "erasure.json").write_text('{"title": "Forbidden", "status": 403}')
    told = refused(installation.run("erasure", "verify", "erasure.json"))
    assert told == (
        "erasure.json is no certificate of an erasure, or not whole. It is a refusal: Forbidden"
    )
    for what in ("erasure", "retention"):
        missing = installation.run(what, "verify", "none.json")
        assert (missing.returncode, "does not exist" in missing.stderr) == (2, True)


def test_a_part_that_there_is_not_is_told(installation: Installation) -> None:
    assert "views, relay, shop" in refused(installation.run("work", "nothing"))


@pytest.mark.slow
@pytest.mark.parametrize("command", [["work", "relay"], ["work", "shop"], ["topics"]])
def test_what_needs_kafka_says_so(installation: Installation, command: list[str]) -> None:
    assert "HUIKE_KAFKA_BOOTSTRAP" in refused(installation.run(*command))


@pytest.mark.slow
def test_a_kafka_that_does_not_answer_is_told(installation: Installation) -> None:
    told = refused(installation.run("topics", HUIKE_KAFKA_BOOTSTRAP="127.0.0.1:1"))
    assert "HUIKE_KAFKA_BOOTSTRAP" in told


def test_the_doctor_needs_no_database(installation: Installation) -> None:
    told = installation.run("doctor")
    assert told.returncode == 1
    for field in Settings.model_fields:
        assert f"HUIKE_{field.upper()}" in told.stdout
    assert "✗ log: no database" in told.stdout
    assert "→ There is no database yet: start one with `huike up`" in told.stdout


def test_the_doctor_says_where_a_setting_comes_from(installation: Installation) -> None:
    file = installation.folder / "huike.env"
    file.write_text("HUIKE_SHOP=tea\nHUIKE_PORT=1\n")
    told = installation.run("doctor").stdout
    assert re.search(r"HUIKE_SHOP +tea +huike.env", told)
    assert re.search(rf"HUIKE_PORT +{installation.port} +environment", told)
    assert re.search(r"HUIKE_HOST +127.0.0.1 +default", told)


def test_the_settings_file_may_be_elsewhere(installation: Installation) -> None:
    (installation.folder / "ours.env").write_text("HUIKE_SHOP=tea\n")
    told = installation.run("doctor", HUIKE_SETTINGS="ours.env").stdout
    assert re.search(r"HUIKE_SHOP +tea +ours.env", told)


def test_a_settings_file_that_is_not_there_is_pointed_out(installation: Installation) -> None:
    told = installation.run("doctor", HUIKE_SETTINGS="none.env").stdout
    assert "✗ settings file: there is no none.env" in told


def test_the_doctor_points_out_what_is_misspelt(installation: Installation) -> None:
    (installation.folder / "huike.env").write_text("HUIKE_LOGURL=postgresql:///huike\n")
    told = installation.run("doctor", HUIKE_PROT="9000").stdout
    assert "✗ setting: HUIKE_PROT (environment) is none\n    → did you mean HUIKE_PORT?" in told
    assert "✗ setting: HUIKE_LOGURL (huike.env) is none\n    → did you mean HUIKE_LOG_URL?" in told


def test_the_doctor_prints_what_cannot_be_read(installation: Installation) -> None:
    told = installation.run("doctor", HUIKE_SLOTS="some")
    assert told.returncode == 1
    assert re.search(r"HUIKE_SLOTS +some +environment", told.stdout)
    assert "✗ setting: HUIKE_SLOTS cannot be used" in told.stdout


def test_the_doctor_hides_passwords(installation: Installation) -> None:
    told = installation.run("doctor", HUIKE_LOG_URL=NOBODY)
    assert told.returncode == 1
    assert "hush" not in told.stdout
    assert "mend HUIKE_LOG_URL" in told.stdout


class _Somebody(BaseHTTPRequestHandler):
    """Answers every request alike."""

    answer: ClassVar[bytes]

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"<html>hello</html>", "✗ server: something else answers at "),
        (b'{"status":"ready"}', "✗ server: something else answers at "),
        (
            b'{"status":"ready","installation":"00"}',
            "✗ server: another home's Huike answers at ",
        ),
    ],
)
def test_the_doctor_takes_nobody_else_for_its_server(
    installation: Installation, answer: bytes, said: str
) -> None:
    somebody = type("Somebody", (_Somebody,), {"answer": answer})
    with ThreadingHTTPServer(("127.0.0.1", installation.port), somebody) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = installation.run("doctor")
        server.shutdown()
    assert told.returncode == 1
    assert f"{said}{installation.url}\n    → set HUIKE_PORT to another" in told.stdout


def test_huike_tells_its_version(installation: Installation) -> None:
    told = installation.run("--version")
    assert (told.returncode, told.stdout) == (0, f"huike {version('huike')}\n")


def test_the_doctor_finds_an_open_keyring(installation: Installation) -> None:
    installation.home.mkdir()
    keyring = installation.home / "keyring.json"
    keyring.write_text("{}")
    assert "put back the newest copy" in installation.run("doctor").stdout


def test_every_command_teaches_by_example(installation: Installation) -> None:
    for path, command in commands(get_command(huike.app)):
        assert f"{path} " in f"{command.help} ".split("```sh", 1)[1].replace("\n", " "), path
    told = installation.run("keys", "add", "--help")
    assert told.returncode == 0
    assert "\n  huike keys add site --scope ingest" in told.stdout


def test_examples_are_not_broken_in_a_terminal_of_eighty_columns() -> None:
    for path, command in commands(get_command(huike.app)):
        example = f"{command.help}".split("```sh", 1)[1]
        assert max(map(len, example.splitlines())) <= 76, path


def commands(group: Any, path: str = "huike") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield f"{path} {name}", command
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_a_signal_is_heeded_whatever_it_interrupts() -> None:
    """It may come in the middle of a wait for the very event that it sets."""
    code = (
        "import os, signal, huike\n"
        "stop = huike._stop_event()\n"
        "with stop._cond:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    sum(range(100))\n"
        "assert stop.wait(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=90)
    assert done.returncode == 0


def test_help_loads_nothing_that_it_does_not_need() -> None:
    heavy = {"fastapi", "psycopg", "kafka", "pyarrow", "numpy", "pydantic", "httpx2", "msgspec"}
    code = f"import sys, huike; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[]\n"
