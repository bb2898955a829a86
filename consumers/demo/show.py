"""The demo from start to end: everything started, the sample sent, the page shown, served."""

import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from consumers.demo import sample, summary
from consumers.demo.journey import DEMOGRAPHICS, Journey, weeks_until
from consumers.demo.load import ShopClient, wait_until_ready
from consumers.one_machine import OneMachine, alone
from infra import logging
from infra.event_store import LogReader
from infra.keys import Keys
from infra.postgres import READER, WRITER, connect, pool
from infra.settings import Settings

_START_SECONDS = 120.0
_LOOK_SECONDS = 0.25
_ALL_SCOPES = ("query", "command", "audit", "admin", "personal")


class Remembered(msgspec.Struct):
    """What a second start needs to know of the first: the dates, the keys, whether all is there."""

    shift_days: int
    shop_key: str
    simulated_key: str
    desk_key: str
    loaded: bool = False

    @classmethod
    def read(cls, file: Path) -> "Remembered | None":
        return msgspec.json.decode(file.read_bytes(), type=cls) if file.exists() else None

    def write(self, file: Path) -> None:
        draft = file.with_suffix(f".{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_bytes(msgspec.json.encode(self))
        draft.rename(file)


def show(
    settings: Settings, stop: threading.Event, *, once: bool, as_json: bool, original: bool
) -> None:
    """Run the demo; with `once` it ends when the summary is printed."""
    began = time.monotonic()
    logging.configure("warning")
    console = Console(stderr=as_json)
    more = {"HUIKE_CLEAR_TRAITS": ",".join((*settings.clear_traits, *DEMOGRAPHICS))}
    with alone(settings), OneMachine(settings, more) as machine:
        with console.status("starting Postgres, the server and the workers"):
            running = machine.start()
            wait_until_ready(machine.url, _START_SECONDS, lambda: not stop.is_set())
        remembered = _remembered(running, original=original)
        client = ShopClient(machine.url, ingest=remembered.shop_key, command=remembered.desk_key)
        try:
            if not remembered.loaded:
                _load(console, client, running, remembered, machine.url)
            told = summary.ask(client, running, time.monotonic() - began)
        finally:
            client.close()
        if as_json:
            print(told.as_json())  # noqa: T201  # the answer itself
            return
        summary.show(console, told)
        if once:
            return
        summary.invite(console, machine.url, remembered.shop_key, remembered.desk_key)
        stop.wait()
        console.print("Stopping; `make demo` finds everything again.")


def _remembered(settings: Settings, *, original: bool) -> Remembered:
    file = settings.home / "demo.json"
    found = Remembered.read(file)
    if found is not None:
        return found
    assert settings.log_url is not None
    shift = timedelta(0) if original else weeks_until(datetime.now(UTC).date())
    with pool(settings.log_url, WRITER, size=1) as opened:
        keys = Keys(opened)
        made = Remembered(
            shift_days=shift.days,
            shop_key=keys.add("demo: the shop's site", ["ingest"])[1],
            simulated_key=keys.add("demo: simulated", ["ingest", "command"], shop=sample.SIMULATED)[
                1
            ],
            desk_key=keys.add("demo: everything else", _ALL_SCOPES)[1],
        )
    made.write(file)
    return made


def _load(
    console: Console, client: ShopClient, settings: Settings, remembered: Remembered, url: str
) -> None:
    journey = Journey(timedelta(days=remembered.shift_days))
    with Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        sending = progress.add_task("reading the sample", total=None)

        def advance(description: str, count: int, total: int) -> None:
            progress.update(sending, description=description, completed=count, total=total)

        follower = Follower(settings, progress)
        follower.start()
        try:
            sample.send(journey, client, advance)
            simulated = ShopClient(
                url, ingest=remembered.simulated_key, command=remembered.simulated_key
            )
            try:
                sample.simulate(journey, simulated)
            finally:
                simulated.close()
            follower.finish()
        finally:
            follower.leave.set()
            follower.join()
    remembered.loaded = True
    remembered.write(settings.home / "demo.json")


class Follower(threading.Thread):
    """Shows how far the views have come; `finish` waits until they have everything."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        super().__init__(name="follower", daemon=True)
        self._settings = settings
        self._progress = progress
        self._task = progress.add_task("views follow (facts)", total=None)
        self.leave = threading.Event()
        self._all_sent = threading.Event()
        self._caught_up = threading.Event()

    def run(self) -> None:
        settings = self._settings
        assert settings.log_url is not None
        assert settings.views_or_log_url is not None
        reader = LogReader(settings.log_url, None, pool_size=1)
        with connect(settings.views_or_log_url, READER) as views:
            while not self.leave.wait(_LOOK_SECONDS):
                all_sent = self._all_sent.is_set()
                head = reader.head().position
                row = views.execute("select min(position) from huike.checkpoint").fetchone()
                done = row[0] or 0 if row else 0
                self._progress.update(self._task, completed=done, total=head)
                if all_sent and done >= head:
                    self._caught_up.set()
                    break
        reader.close()

    def finish(self) -> None:
        self._all_sent.set()
        while not self._caught_up.wait(0.5):
            if not self.is_alive():
                msg = "the views cannot be followed any more; `huike doctor` says why"
                raise RuntimeError(msg)
