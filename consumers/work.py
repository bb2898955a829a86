"""Runs one worker until it is stopped."""

import threading

import typer

from consumers.place import placed
from consumers.relay import Relay, WrongTopic
from infra import logging
from infra.settings import Settings


def work(settings: Settings, part: str, stop: threading.Event) -> None:
    """Run a part: views, relay or shop."""
    logging.configure(settings.log_level)
    settings = placed(settings)
    if part != "views" and settings.kafka_bootstrap is None:
        typer.echo(f"{part} needs Kafka: set HUIKE_KAFKA_BOOTSTRAP.", err=True)
        raise typer.Exit(2)
    match part:
        case "views":
            from consumers.views import run_views  # noqa: PLC0415  # each part loads its own

            run_views(settings, stop)
        case "relay":
            try:
                Relay(settings).run(stop)
            except WrongTopic as wrong:
                typer.echo(f"{wrong}. {WrongTopic.__doc__}", err=True)
                raise typer.Exit(2) from wrong
        case "shop":
            from consumers.shop import run_shop  # noqa: PLC0415  # each part loads its own

            run_shop(settings, stop)
        case _:
            typer.echo(f"There is no part {part}: views, relay or shop.", err=True)
            raise typer.Exit(2)
