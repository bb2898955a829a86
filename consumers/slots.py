"""`huike slots`: another number of slots, for more workers or partitions, without a rebuild."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from consumers.one_machine import alone
from consumers.opened import opened
from infra.dev.postgres import EmbeddedPostgres
from infra.postgres import Connection
from infra.settings import Settings
from projections import catalogue
from projections.runtime.batch import Poisoned
from projections.runtime.live import Moved
from projections.runtime.rebuild import RebuildRunning
from projections.runtime.reslot import SlotsApart, gather, reslot


class WorkersRun(Exception):
    """Workers of the views run: stop them first."""


def change(settings: Settings, wanted: int) -> int:
    """Deal all customers into `wanted` slots; return the command's exit status."""
    with _standing(settings) as standing, opened(standing) as here:
        now = _slots(here.views)
        if now is None:
            typer.echo("There are no views yet: set HUIKE_SLOTS before the first start.")
            return 1
        if now == wanted:
            typer.echo(f"There are {now} slots already.")
            return 0
        views = list(catalogue.VIEWS.values())
        try:
            _nobody_works(here.views)
            gather(here.views, views, here.sealer, here.reader, now)
            reslot(here.views, views, wanted)
        except Moved:
            typer.echo(str(WorkersRun.__doc__), err=True)
            return 1
        except (WorkersRun, RebuildRunning, SlotsApart, Poisoned) as refusal:
            typer.echo(str(refusal), err=True)
            return 1
    typer.echo(f"{now} slots are {wanted} now, with the same rows. Before anything starts again:")
    typer.echo(f"  HUIKE_SLOTS={wanted} for every process")
    if settings.kafka_bootstrap is not None:
        topic = f"{settings.kafka_topic_facts}.{wanted}"
        typer.echo(f"  HUIKE_KAFKA_TOPIC_FACTS={topic}, say: a topic of {wanted} partitions;")
        typer.echo("  `huike topics` makes it, and the relay fills it from the log's first fact")
    return 0


@contextmanager
def _standing(settings: Settings) -> Iterator[Settings]:
    """Have the embedded Postgres run meanwhile, where nobody named another. Raises HomeTaken."""
    if settings.log_url is not None:
        yield settings
        return
    with alone(settings), EmbeddedPostgres(settings.home.absolute() / "postgres") as postgres:
        yield settings.model_copy(update={"log_url": postgres.database("huike")})


def _slots(views: Connection) -> int | None:
    if views.execute("select to_regclass('huike.freshness')").fetchone() == (None,):
        return None
    row = views.execute("select max(slots) from huike.freshness").fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _nobody_works(views: Connection) -> None:
    row = views.execute(
        "select count(*) from views.worker where until > clock_timestamp()"
    ).fetchone()
    if row is None or row[0]:
        raise WorkersRun(str(WorkersRun.__doc__))
    stopped = views.execute("select min(view) from views.trouble").fetchone()
    if stopped is not None and stopped[0] is not None:
        raise SlotsApart(str(SlotsApart.__doc__).format(view=stopped[0]))
