"""The demo from start to end: everything started, the sample sent, the page shown, served."""

import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from consumers.demo import sample, summary
from consumers.demo.follow import Follower
from consumers.demo.journey import DEMOGRAPHICS, Journey, weeks_until
from consumers.demo.load import ShopClient, Stopped
from consumers.issuing import issuing
from consumers.one_machine import OneMachine, alone
from domain.shared.ids import Ids
from infra import logging
from infra.keyring import Keyring
from infra.secret_files import replace
from infra.settings import Settings

_LATELY: Final = timedelta(days=14)
_ALL_SCOPES: Final = ["query", "command", "audit", "admin", "personal"]


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
        replace(file, msgspec.json.encode(self))


def show(  # noqa: PLR0913  # what the command line asks
    settings: Settings,
    stop: threading.Event,
    *,
    once: bool = False,
    as_json: bool = False,
    original: bool = False,
    households: int | None = None,
) -> int:
    """Run the demo; with `once` it ends when the summary is printed. Return the exit status.

    `households`: only so many of the sample's.
    """
    began = time.monotonic()
    logging.configure("warning")
    console = Console(stderr=as_json)
    more = {"HUIKE_CLEAR_TRAITS": ",".join((*settings.clear_traits, *DEMOGRAPHICS))}
    with alone(settings), OneMachine(settings, more) as machine:
        with console.status("starting Postgres, the server and the workers"):
            running = machine.start()
            if not machine.wait_until_ready(stop):
                return 1
        remembered = _remembered(running, original=original)
        if original and remembered.shift_days:
            console.print(f"{running.home} holds the shop with its dates moved; they stay so.")
        with closing(
            ShopClient(
                machine.url, ingest=remembered.shop_key, command=remembered.desk_key, stop=stop
            )
        ) as client:
            try:
                journey = Journey(timedelta(days=remembered.shift_days), households)
                _load(console, client, running, remembered, journey)
                about = journey.end if _is_past(journey.end) else None
                told = summary.ask(client, running, time.monotonic() - began, about)
            except Stopped:
                console.print("Stopped; the next start goes on where this one ended.")
                return 1
        if as_json:
            print(told.as_json(), flush=True)  # noqa: T201  # the answer itself
        else:
            summary.show(console, told)
        if not once:
            keys = remembered.shop_key, remembered.desk_key
            summary.invite(console, machine.url, *keys, told.at)
            summary.tell_more(console, machine.log_file)
            stop.wait()
            console.print("Stopping; `huike demo` finds everything again.")
    return 0


def _is_past(end: datetime) -> bool:
    """Tell whether the sample's year is no longer the last one, so that by now all have gone."""
    return datetime.now(UTC) - end > _LATELY


def _remembered(settings: Settings, *, original: bool) -> Remembered:
    file = settings.home / "demo.json"
    found = Remembered.read(file)
    if found is not None:
        return found
    assert settings.log_url is not None
    shift = timedelta(0) if original else weeks_until(datetime.now(UTC).date())
    with issuing(settings) as keys:
        _, shop = keys.add("demo: the shop's site", ["ingest"])
        _, simulated = keys.add("demo: simulated", ["ingest", "command"], shop=sample.SIMULATED)
        _, desk = keys.add("demo: everything else", _ALL_SCOPES)
    made = Remembered(shift_days=shift.days, shop_key=shop, simulated_key=simulated, desk_key=desk)
    made.write(file)
    return made


def _load(
    console: Console,
    client: ShopClient,
    settings: Settings,
    remembered: Remembered,
    journey: Journey,
) -> None:
    """Send what was not sent, and wait until every view has it. Raises Stopped, NotTaken."""
    with Progress(
        TextColumn("{task.description:<26}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        steps = () if remembered.loaded else sample.STEPS
        bars = {step: progress.add_task(step, start=False, total=None) for step in steps}

        def advance(step: str, count: int, total: int) -> None:
            progress.start_task(bars[step])
            progress.update(bars[step], completed=count, total=total)

        follower = Follower(settings, progress)
        follower.start()
        try:
            if not remembered.loaded:
                _send(advance, client, settings, remembered, journey)
                remembered.loaded = True
                remembered.write(settings.home / "demo.json")
            follower.finish(client.stop)
        finally:
            follower.leave()


def _send(
    advance: sample.Advance,
    client: ShopClient,
    settings: Settings,
    remembered: Remembered,
    journey: Journey,
) -> None:
    sample.send(journey, client, advance)
    key = remembered.simulated_key
    ids = Ids(Keyring.open(settings.keyring_file, settings.vault).secret)
    with closing(ShopClient(client.url, ingest=key, command=key, stop=client.stop)) as simulated:
        sample.simulate(journey, simulated, ids, advance)
