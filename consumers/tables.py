"""The databases' tables are made and brought up to date: the owner's part of a start."""

import typer

from consumers.place import placed
from infra import migrations
from infra.postgres import connect
from infra.settings import Settings
from projections.runtime import schema


def migrate(settings: Settings) -> None:
    """Make what is missing, and say so. Raises NoDatabase, OwnerNeeded, psycopg.Error."""
    settings = placed(settings)
    assert settings.log_url is not None
    assert settings.views_or_log_url is not None
    applied = migrations.migrate(settings.log_url)
    with connect(settings.views_or_log_url) as admin:
        schema.install(admin)
    for name in applied:
        typer.echo(name.removesuffix(".sql"))
    typer.echo("The tables are up to date.")
