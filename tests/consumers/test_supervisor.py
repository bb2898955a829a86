"""The supervisor: what dies is started again, what is stopped stops in order, nothing is left."""

import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumers import supervisor
from consumers.supervisor import LogFile, Supervisor
from tests.cli.running import ROOT, await_that, gone, kill

DIES = """
import sys, time
open(sys.argv[1], "a").write(f"{time.monotonic()}\\n")
sys.exit(3)
"""
STOPS = """
import signal, sys, time
def say(word):
    with open(sys.argv[1], "a") as out:
        out.write(f"{sys.argv[2]} {word}\\n")
def stop(*_):
    say("stopping")
    time.sleep(0.2)
    say("stopped")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
say("started")
while True:
    time.sleep(1)
"""
STAYS = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("here", flush=True)
while True:
    time.sleep(1)
"""
TALKS = """
import time
while True:
    print("x" * 99, flush=True)
    time.sleep(0.002)
"""
SUPERVISED = """
import time
from consumers.supervised import end_with_supervisor
end_with_supervisor()
while True:
    time.sleep(1)
"""
SUPERVISES = """
import pathlib, sys, time
from consumers.supervisor import LogFile, Supervisor
command = [sys.executable, "-c", sys.argv[1]]
ours = Supervisor({"one": command, "two": command}, {}, LogFile(pathlib.Path(sys.argv[2])))
ours.start()
print(*ours.pids.values(), flush=True)
time.sleep(100)
"""


def script(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def log_file(tmp_path: Path) -> LogFile:
    return LogFile(tmp_path / "log")


@pytest.mark.slow
def test_what_dies_is_started_again_after_a_pause_that_grows(
    tmp_path: Path, log_file: LogFile
) -> None:
    starts = tmp_path / "starts"
    ours = Supervisor({"dies": script(DIES, starts)}, {}, log_file)
    ours.start()
    try:
        await_that(lambda: len(lines(starts)) >= 4)
    finally:
        ours.stop()
    at = [float(line) for line in lines(starts)]
    at_least = [later - earlier for earlier, later in pairwise(at)]
    assert all(gap >= pause for gap, pause in zip(at_least, (0, 0.1, 0.2), strict=False))


def test_what_was_well_before_it_died_is_started_again_at_once(
    tmp_path: Path, log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_HEALTHY_SECONDS", 0)
    starts = tmp_path / "starts"
    ours = Supervisor({"dies": script(DIES, starts)}, {}, log_file)
    with capture_logs() as told:
        ours.start()
        try:
            await_that(lambda: len(lines(starts)) >= 4)
        finally:
            ours.stop()
    assert {line["again_in"] for line in told if line["event"] == "process.ended"} == {0.1}


def test_one_that_dies_leaves_the_others_alone(tmp_path: Path, log_file: LogFile) -> None:
    told = tmp_path / "told"
    ours = Supervisor(
        {"dies": script(DIES, tmp_path / "starts"), "stays": script(STOPS, told, "it")},
        {},
        log_file,
    )
    ours.start()
    try:
        await_that(lambda: len(lines(tmp_path / "starts")) >= 3)
        await_that(lambda: lines(told) == ["it started"])
    finally:
        ours.stop()
    assert lines(told) == ["it started", "it stopping", "it stopped"]


def test_the_last_started_ends_before_the_one_before_is_asked_to(
    tmp_path: Path, log_file: LogFile
) -> None:
    told = tmp_path / "told"
    ours = Supervisor(
        {name: script(STOPS, told, name) for name in ("first", "second")}, {}, log_file
    )
    ours.start()
    await_that(lambda: len(lines(told)) == 2)
    ours.stop()
    order = ["second stopping", "second stopped", "first stopping", "first stopped"]
    assert lines(told)[2:] == order
    assert not ours.pids


def test_who_does_not_stop_is_ended(
    tmp_path: Path, log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_STOP_SECONDS", 0.3)
    ours = Supervisor({"stays": script(STAYS)}, {}, log_file)
    ours.start()
    await_that(lambda: "here" in lines(tmp_path / "log"))
    pid = ours.pids["stays"]
    ours.stop()
    assert gone(pid)


def test_processes_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        script(SUPERVISES, SUPERVISED, tmp_path / "log"), cwd=ROOT, stdout=subprocess.PIPE
    ) as ours:
        assert ours.stdout is not None
        pids = [int(word) for word in ours.stdout.readline().split()]
        assert len(pids) == 2
        kill(ours.pid)
    for pid in pids:
        await_that(lambda pid=pid: gone(pid))  # type: ignore[misc]  # bound as a default


def test_the_log_file_does_not_grow_without_bound(tmp_path: Path) -> None:
    path = tmp_path / "log"
    ours = Supervisor({"talks": script(TALKS)}, {}, LogFile(path, limit=2_000))
    ours.start()
    try:
        await_that((tmp_path / "log.1").exists)
        await_that(lambda: 0 < path.stat().st_size < (tmp_path / "log.1").stat().st_size)
    finally:
        ours.stop()
    assert set(path.read_text().splitlines()[1:]) <= {"x" * 99}  # nothing but lines: no hole


def test_a_log_file_that_is_full_is_begun_anew_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"old\n" * 1_000)
    LogFile(path, limit=2_000).close()
    assert path.read_bytes() == b""
    assert (tmp_path / "log.1").read_bytes() == b"old\n" * 1_000


def test_a_program_that_is_not_there_is_said_at_once(log_file: LogFile) -> None:
    ours = Supervisor({"none": ["/nowhere/at/all"]}, {}, log_file)
    with pytest.raises(FileNotFoundError):
        ours.start()
    ours.stop()


def test_a_process_without_a_supervisor_goes_on() -> None:
    process = subprocess.Popen(
        script(SUPERVISED), cwd=ROOT, stdin=subprocess.DEVNULL, env={"PYTHONPATH": str(ROOT)}
    )
    try:
        time.sleep(0.5)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait(10)
