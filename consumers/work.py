"""Runs one worker until it is stopped."""

import threading
from typing import Final

import typer

from consumers.place import placed
from infra import logging
from infra.installation import prepare
from infra.settings import Settings

PARTS: Final = ("views", "relay", "shop")


def work(settings: Settings, part: str, stop: threading.Event) -> None:
    """Run a part. Raises NoDatabase, KeyringLost, WrongTopic, psycopg.Error, OSError."""
    logging.configure(settings.log_level)
    if part not in PARTS:
        typer.echo(f"There is no part {part}: {', '.join(PARTS)}.", err=True)
        raise typer.Exit(2)
    if part != "views" and settings.kafka_bootstrap is None:
        typer.echo(f"{part} needs Kafka: set HUIKE_KAFKA_BOOTSTRAP.", err=True)
        raise typer.Exit(2)
    settings = placed(settings)
    assert settings.log_url is not None
    prepare(settings.log_url, settings.keyring_file, settings.vault)
    _run(settings, part, stop)


def _run(settings: Settings, part: str, stop: threading.Event) -> None:
    match part:  # each part loads its own
        case "relay":
            from consumers.relay import Relay  # noqa: PLC0415

            Relay(settings).run(stop)
        case "shop":
            from consumers.shop import run_shop  # noqa: PLC0415

            run_shop(settings, stop)
        case _:
            from consumers.chores import Chores  # noqa: PLC0415
            from consumers.views import run_views  # noqa: PLC0415

            with Chores(settings):
                run_views(settings, stop)
