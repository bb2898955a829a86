"""Seals the log's head, by command or by itself, and writes it where nobody of ours can."""

import os
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import timedelta
from io import FileIO
from pathlib import Path
from typing import Final

import structlog
import typer
from kafka.errors import KafkaError

from consumers.audit import progress
from consumers.mistakes import of_file
from consumers.place import log_url
from infra import clock
from infra.kafka import partitions_of, producer
from infra.postgres import WRITER, Connection, connect
from infra.seals import BadSeal, Broken, Lineage, Seal, kept, seal, sealed_by
from infra.settings import Settings
from infra.signing import Signer
from infra.upkeep import SEAL, is_due, note, note_at

LOOK_SECONDS: Final = 60.0
"""How often it is looked whether it is time."""

FILE: Final = "seals.jsonl"
"""Where seals go in a folder."""

_SENT_SECONDS: Final = 30
_SEALING: Final = 4_851_109

log = structlog.get_logger("seals")


class NotDelivered(Exception):
    """A seal does not stand where it is to be kept."""


class OtherSigner(BadSeal):
    """{} holds another key than the one that sealed before: have that file on every machine.

    If the key was changed, `huike audit seal` is the first to sign with the new one.
    """


def seal_head(settings: Settings, file: Path | None, topic: str | None) -> int:
    """Sign the log's head; append the seal to a file, send it to a topic, or print it.

    A file is given all seals of this key that it has not: packages are sealed too.
    Returns 1 when the log is not as it was recorded: then nothing is signed.
    """
    signer = Signer.beside(settings.keyring_file)
    with closing(connect(log_url(settings), WRITER)) as connection, progress() as bar:
        task = bar.add_task("facts")
        try:
            made = seal(
                connection,
                signer,
                clock.now(),
                lambda at, head: bar.update(task, completed=at, total=head),
            )
        except Broken as broken:
            typer.echo(str(broken), err=True)
            return 1
        seals = _kept(connection, signer)
    if made is None:
        typer.echo("There is nothing to seal: the log has no facts.", err=True)
        return 2
    try:
        written = _deliver(settings, seals, file, topic)
    except NotDelivered as why:
        typer.echo(str(why), err=True)
        return 2
    if _stands(settings, file, topic):
        note_at(log_url(settings), SEAL, made.position)
    if file is None and topic is None:
        typer.echo(made.line().decode())
    elif topic is None and not written:
        typer.echo(f"Nothing new: the seal up to {made.position:,} stands there.")
    else:
        typer.echo(f"Sealed up to {made.position:,}, {made.sealed_at:%Y-%m-%d %H:%M:%S} UTC.")
    return 0


def seal_due(settings: Settings) -> None:
    """Seal the head where HUIKE_SEAL_TO and HUIKE_SEAL_TOPIC say, when it is time.

    That it was done, or why not, is written down. Raises Broken, BadSeal, NotDelivered, OSError.
    """
    if not settings.seals_by_itself:
        return
    with closing(connect(log_url(settings), WRITER)) as connection:
        mine = connection.execute("select pg_try_advisory_lock(%s)", (_SEALING,)).fetchone()
        if mine != (True,) or not is_due(connection, SEAL, timedelta(hours=settings.seal_every)):
            return
        try:
            made = _sealed(settings, connection)
        except Exception as why:
            note(connection, SEAL, None, " ".join(str(why).split()) or type(why).__name__)
            raise
        if made is not None:
            note(connection, SEAL, made.position)
            log.info("log.sealed", position=made.position)


def _stands(settings: Settings, file: Path | None, topic: str | None) -> bool:
    """Tell whether what was written there by hand stands where seals are to be kept."""
    if not settings.seals_by_itself:
        return True
    set_to = (_named(settings.seal_to), settings.seal_topic)
    return (_named(file), topic) == set_to


def _sealed(settings: Settings, connection: Connection) -> Seal | None:
    signer = Signer.beside(settings.keyring_file)
    before = sealed_by(connection)
    if before and signer.public not in before:
        raise OtherSigner(settings.keyring_file.with_name("signing.key"))
    made = seal(connection, signer, clock.now())
    if made is not None:
        _deliver(settings, _kept(connection, signer), settings.seal_to, settings.seal_topic)
    return made


def _kept(connection: Connection, signer: Signer) -> Sequence[Seal]:
    return kept(connection, signer.public, Lineage.read(connection))


def _deliver(
    settings: Settings, seals: Sequence[Seal], file: Path | None, topic: str | None
) -> int:
    """Send the last seal to a topic, write to a file those that it has not; return how many.

    Raises NotDelivered.
    """
    if topic is not None:
        try:
            _send(settings, topic, seals[-1])
        except KafkaError as why:
            raise NotDelivered(str(why) or type(why).__name__) from why
    file = _named(file)
    if file is not None:
        lines = _missing(file, seals)
        try:
            _append(file, lines)
        except OSError as why:
            raise NotDelivered(of_file(why, file)) from why
        return len(lines)
    return 0


def _named(file: Path | None) -> Path | None:
    """Return which file is meant where a folder may be named."""
    return file / FILE if file is not None and file.is_dir() else file


def _missing(file: Path, seals: Sequence[Seal]) -> list[bytes]:
    """Return the lines of seals that a file has not; the last where it may only be added to."""
    try:
        there = set(file.read_bytes().splitlines())
    except FileNotFoundError:
        there = set()
    except OSError:
        return [seals[-1].line()]
    return [line for seal in seals if (line := seal.line()) not in there]


def _append(file: Path, lines: Sequence[bytes]) -> None:
    """Add seals' lines, after a torn one too; what could not be written whole is taken back."""
    line = b"".join(line + b"\n" for line in lines)
    if lines and file.is_file() and not _ends_a_line(file):
        line = b"\n" + line
    written = 0
    with file.open("ab", buffering=0) as out:
        try:
            while written < len(line):
                written += out.write(line[written:])
            os.fsync(out.fileno())
        except OSError:
            with suppress(OSError):  # where one may only add, the next seal begins a new line
                _take_back(out, written)
            raise


def _ends_a_line(file: Path) -> bool:
    """Tell whether what is added to a file begins a line; False where it cannot be read."""
    try:
        with file.open("rb") as there:
            if there.seek(0, os.SEEK_END) == 0:
                return True
            there.seek(-1, os.SEEK_END)
            return there.read() == b"\n"
    except OSError:
        return False


def _take_back(out: FileIO, written: int) -> None:
    """Cut off what was written at the end of a file, unless somebody else added to it since."""
    end = out.tell()
    if os.fstat(out.fileno()).st_size == end:
        out.truncate(end - written)


def _send(settings: Settings, topic: str, made: Seal) -> None:
    if settings.kafka_bootstrap is None:
        raise NotDelivered("There is no Kafka to send it to: set HUIKE_KAFKA_BOOTSTRAP.")
    if not partitions_of(settings, topic):
        msg = f"There is no topic {topic}: make it, so that Huike may only add to it."
        raise NotDelivered(msg)
    with closing(producer(settings)) as kafka:
        kafka.send(topic, made.line(), made.log.bytes).get(_SENT_SECONDS)
