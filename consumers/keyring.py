"""The keyring from the command line: a new epoch, and how epochs stand."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
import structlog
import typer

from consumers.place import log_url
from infra.epochs import prepare_epoch, prove_epochs, renew, renew_if_due, rewrap, standing
from infra.holders import NotAllUnwrap, check_all_unwrap
from infra.installation import prepare
from infra.keyring import Keyring, KeyringLost
from infra.postgres import KEEPER, connect
from infra.settings import Settings
from infra.vault import VaultFailed

log = structlog.get_logger()

_RENEWED_ELSEWHERE = "Another process renews the keyring at this moment."


def renew_now(settings: Settings, *, only_prepare: bool) -> None:
    """Make a new epoch and say so. Raises KeyringLost, NotAllUnwrap, OSError, psycopg.Error."""
    url = log_url(settings)
    keyring = prepare(url, settings.keyring_file, settings.vault)
    if only_prepare:
        epoch = prepare_epoch(url, keyring)
        if epoch is None:
            typer.echo(_RENEWED_ELSEWHERE)
            return
        typer.echo(f"The key of epoch {epoch} is on {settings.keyring_file}. Copy the file to all.")
        return

    def tell(keys: int) -> None:
        typer.echo(f"{keys:,} keys wrapped", err=True)

    done = renew(url, keyring, tell)
    if done is None:
        typer.echo(_RENEWED_ELSEWHERE)
        return
    typer.echo(
        f"Epoch {done.epoch}: {done.keys:,} keys are wrapped under it; older ones are destroyed. "
        f"Replace every copy of {settings.keyring_file}, and destroy the older copies."
    )


def wrap_again(settings: Settings, *, in_the_clear: bool) -> int:
    """Have the command wrap the file's keys anew, or take them out of it. Raises as `renew_now`."""
    url, vault = log_url(settings), settings.vault
    if vault is None:
        typer.echo("There is nothing to wrap them by: set HUIKE_EPOCH_COMMAND.", err=True)
        return 2
    keyring = prepare(url, settings.keyring_file, vault)
    if not rewrap(url, keyring, None if in_the_clear else vault):
        typer.echo(_RENEWED_ELSEWHERE)
        return 1
    how = (
        "as they are: unset HUIKE_EPOCH_COMMAND" if in_the_clear else f"wrapped by {vault.program}"
    )
    typer.echo(
        f"The keys stand in {settings.keyring_file} {how}. "
        "Replace every copy of it, and destroy the older copies."
    )
    return 0


def renew_daily(settings: Settings) -> None:
    """Make a new epoch when it is due. Raises KeyringLost, NotAllUnwrap, OSError, psycopg.Error."""
    if not settings.epoch_days:
        return
    every = timedelta(days=settings.epoch_days)
    keyring = Keyring(settings.keyring_file, settings.vault)  # a KMS is asked when it is due
    done = renew_if_due(log_url(settings), keyring, every)
    if done is not None:
        log.info("keyring.renewed", epoch=done.epoch, keys=done.keys)


def of_epochs(url: str, keyring: Keyring) -> Iterator[tuple[str, str | None]]:
    """Say how epochs stand, and what to do about it."""
    try:
        with closing(connect(url, KEEPER)) as connection:
            yield _epochs(connection, keyring)
    except psycopg.Error:
        return  # what the log's own findings tell


def _epochs(connection: psycopg.Connection[Any], keyring: Keyring) -> tuple[str, str | None]:
    now = standing(connection)
    told = f"{now.epoch}, since {now.begun_at:%Y-%m-%d}; {now.forgotten_since:,} forgotten since"
    try:
        prove_epochs(connection, keyring)
        if keyring.by_vault:
            check_all_unwrap(connection)
    except (KeyringLost, NotAllUnwrap, VaultFailed) as why:
        return told, str(why)
    if any(epoch != now.epoch for epoch in keyring.held):
        return told, "a renewal is under way, or was broken off: `huike keyring renew` ends it"
    return told, None
