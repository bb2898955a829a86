"""What people and machines around Huike get wrong, each in one sentence instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer

_OWNER: Final = 'role "huike_owner"'
_REFUSED_SETTINGS: Final = "pydantic_core._pydantic_core.ValidationError"

SENTENCES: Final = {
    "consumers.one_machine.HomeTaken": "{error}",
    "consumers.one_machine.NotReady": "{error}",
    "consumers.place.NoDatabase": "{error}",
    "infra.backup.unusable.Unusable": "{error}",
    "infra.migrations.OwnerNeeded": "{error}.",
    "infra.migrations.RestoreUnfinished": "{error}",
    "infra.evidence.BadPackage": "{error}",
    "infra.seals.BadSeal": "{error}",
    "infra.signing.NoSigningKey": "{error}",
    "infra.dev.ServerUnavailable": "{error}",
    "infra.listening.CannotListen": "{error}.",
    "consumers.demo.load.NotTaken": "The service did not take what was sent: {error}.",
    "domain.shared.refusals.UnreadableFact": "{error} Run the version that wrote it, "
    "or mend the log.",
    "domain.shared.refusals.AccessNotWritten": "{error}",
    "infra.keyring.KeyringLost": "{said}.",
    "infra.holders.NotAllUnwrap": "{error}.",
    "infra.vault.VaultFailed": "{error}.",
    "projections.runtime.schema.OtherSlots": "{error}",
    "consumers.relay.WrongTopic": "{error}. {rule}",
    "psycopg.errors.InsufficientPrivilege": "Postgres: {why}. Its user must own the database.",
    "psycopg.errors.UndefinedTable": "Postgres: {why}. `huike serve` makes all tables.",
    "psycopg.OperationalError": "Postgres: {why}. Start it, or mend HUIKE_LOG_URL.",
    "kafka.errors.KafkaError": "Kafka: {why}. Start it, or mend HUIKE_KAFKA_BOOTSTRAP.",
    "builtins.PermissionError": "{error}: set HUIKE_HOME to a folder that this user may write to.",
}
"""What is said of an error, by its name: to import them all takes longer than most commands."""


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
    kinds = _kinds(error)
    if "projections.runtime.batch.Poisoned" in kinds:
        error = getattr(error, "cause", error)
        kinds = _kinds(error)
    if _REFUSED_SETTINGS in kinds:
        found: Any = error
        return "\n".join(wrong_settings(found).values()) if found.title == "Settings" else None
    why = first_line(error)
    if _OWNER in why and "psycopg.OperationalError" in kinds:  # so says who refuses a connection
        return SENTENCES["psycopg.errors.InsufficientPrivilege"].format(why=why)
    if "psycopg.ProgrammingError" in kinds and getattr(error, "sqlstate", None) is None:
        return f"HUIKE_LOG_URL or HUIKE_VIEWS_URL is no address: {why}."
    said = str(error) or (type(error).__doc__ or "").rstrip(".")
    told = next((SENTENCES[kind] for kind in kinds if kind in SENTENCES), None)
    return told and told.format(error=error, said=said, why=why, rule=type(error).__doc__)


def _kinds(error: Exception) -> list[str]:
    """Return the names of what an error is, the closest first."""
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]


def wrong_settings(error: Any) -> dict[str, str]:
    """Return a sentence for each setting that cannot be, by its name."""
    return {
        (name := f"HUIKE_{str(found['loc'][0]).upper()}"): f"{name}: {found['msg']}."
        for found in error.errors(include_url=False)
    }


def first_line(error: Exception) -> str:
    """Return an error's first line, without its full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
