"""Seals the log's head from the command line, and writes the seal where nobody of ours can."""

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from consumers.audit import progress
from consumers.place import log_url
from infra.kafka import partitions_of, producer
from infra.postgres import WRITER, connect
from infra.seals import Broken, Seal, seal
from infra.settings import Settings
from infra.signing import Signer

_SENT_SECONDS: Final = 30


def seal_head(settings: Settings, file: Path | None, topic: str | None) -> int:
    """Sign the log's head; append the seal to a file, send it to a topic, or print it.

    Returns 1 when the log is not as it was recorded: then nothing is signed.
    """
    with closing(connect(log_url(settings), WRITER)) as connection, progress() as bar:
        signer = Signer.beside(settings.keyring_file)
        task = bar.add_task("facts")
        try:
            made = seal(
                connection,
                signer,
                datetime.now(UTC),
                lambda at, head: bar.update(task, completed=at, total=head),
            )
        except Broken as broken:
            typer.echo(str(broken), err=True)
            return 1
    if made is None:
        typer.echo("There is nothing to seal: the log has no facts.", err=True)
        return 2
    if topic is not None and not _send(settings, topic, made):
        return 2
    if file is not None and not _append(file, made):
        return 2
    if file is None and topic is None:
        typer.echo(made.line().decode())
    else:
        typer.echo(f"Sealed up to {made.position:,}, {made.sealed_at:%Y-%m-%d %H:%M:%S} UTC.")
    return 0


def _append(file: Path, made: Seal) -> bool:
    try:
        with file.open("ab") as out:
            out.write(made.line() + b"\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        typer.echo(str(error), err=True)
        return False
    return True


def _send(settings: Settings, topic: str, made: Seal) -> bool:
    if settings.kafka_bootstrap is None:
        typer.echo("There is no Kafka to send it to: set HUIKE_KAFKA_BOOTSTRAP.", err=True)
        return False
    if not partitions_of(settings, topic):
        typer.echo(
            f"There is no topic {topic}: make it, so that Huike may only add to it.", err=True
        )
        return False
    with closing(producer(settings)) as kafka:
        kafka.send(topic, made.line(), made.log.bytes).get(_SENT_SECONDS)
    return True
