"""What people and machines around Huike get wrong, each in one sentence instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer


@contextmanager
def told() -> Iterator[None]:
    """Print a known mistake and exit with 2; let everything else pass."""
    try:
        yield
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        typer.echo(sentence, err=True)
        raise typer.Exit(2) from error


@contextmanager
def files_told(otherwise: object) -> Iterator[None]:
    """Say which file cannot be read or written, and why, and exit with 2."""
    try:
        yield
    except OSError as error:
        typer.echo(of_file(error, otherwise), err=True)
        raise typer.Exit(2) from error


def of_file(error: OSError, otherwise: object) -> str:
    """Return what to say of a file, by its name where the error has it."""
    return f"{error.filename or otherwise}: {error.strerror or error}."


def sentence_of(error: Exception) -> str | None:
    """Return what to say of an error; None for one that is ours to mend."""
    # Imported late: a command that goes well needs none of it.
    import psycopg  # noqa: PLC0415
    from kafka.errors import KafkaError  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    from consumers.demo.load import NotTaken  # noqa: PLC0415
    from consumers.one_machine import HomeTaken, NotReady  # noqa: PLC0415
    from consumers.place import NoDatabase  # noqa: PLC0415
    from consumers.relay import WrongTopic  # noqa: PLC0415
    from domain.shared.refusals import AccessNotWritten, UnreadableFact  # noqa: PLC0415
    from infra.backup.unusable import Unusable  # noqa: PLC0415
    from infra.dev import ServerUnavailable  # noqa: PLC0415
    from infra.evidence import BadPackage  # noqa: PLC0415
    from infra.keyring import KeyringLost  # noqa: PLC0415
    from infra.listening import CannotListen  # noqa: PLC0415
    from infra.migrations import RestoreUnfinished  # noqa: PLC0415
    from infra.seals import BadSeal  # noqa: PLC0415
    from infra.signing import NoSigningKey  # noqa: PLC0415
    from infra.vault import VaultFailed  # noqa: PLC0415
    from projections.runtime.batch import Poisoned  # noqa: PLC0415
    from projections.runtime.schema import OtherSlots  # noqa: PLC0415

    if isinstance(error, Poisoned):
        error = error.cause
    if isinstance(error, ValidationError):
        return "\n".join(wrong_settings(error).values()) if error.title == "Settings" else None
    why = first_line(error)
    sentences: tuple[tuple[type[Exception], str], ...] = (
        (HomeTaken, f"{error}"),
        (NotReady, f"{error}"),
        (NoDatabase, f"{error}"),
        (Unusable, f"{error}"),
        (RestoreUnfinished, f"{error}"),
        (BadPackage, f"{error}"),
        (BadSeal, f"{error}"),
        (NoSigningKey, f"{error}"),
        (ServerUnavailable, f"{error}"),
        (CannotListen, f"{error}."),
        (NotTaken, f"The service did not take what was sent: {error}."),
        (UnreadableFact, f"{error} Run the version that wrote it, or mend the log."),
        (AccessNotWritten, f"{error}"),
        (KeyringLost, f"{error}." if str(error) else f"{KeyringLost.__doc__}"),
        (VaultFailed, f"{error}."),
        (OtherSlots, f"{error}"),
        (WrongTopic, f"{error}. {WrongTopic.__doc__}"),
        (psycopg.errors.InsufficientPrivilege, f"Postgres: {why}. Its user must own the database."),
        (psycopg.errors.UndefinedTable, f"Postgres: {why}. `huike serve` makes all tables."),
        (psycopg.OperationalError, f"Postgres: {why}. Start it, or mend HUIKE_LOG_URL."),
        (KafkaError, f"Kafka: {why}. Start it, or mend HUIKE_KAFKA_BOOTSTRAP."),
        (PermissionError, f"{error}: set HUIKE_HOME to a folder that this user may write to."),
    )
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        return f"HUIKE_LOG_URL or HUIKE_VIEWS_URL is no address: {why}."
    return next((told for kind, told in sentences if isinstance(error, kind)), None)


def wrong_settings(error: Any) -> dict[str, str]:
    """Return a sentence for each setting that cannot be, by its name."""
    return {
        (name := f"HUIKE_{str(found['loc'][0]).upper()}"): f"{name}: {found['msg']}."
        for found in error.errors(include_url=False)
    }


def first_line(error: Exception) -> str:
    """Return an error's first line, without its full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
