"""Proves from the command line that the log is as it was recorded, or names where it is not."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from consumers.place import log_url
from consumers.screen import screen
from infra.event_store.chain import Break, Mark, follow
from infra.postgres import WRITER, Connection, connect
from infra.seals import BadSeal, Lineage, Seal, kept, read_seals
from infra.settings import Settings
from infra.signing import Signer, file_beside, read_public


class NoPublicKey(BadSeal):
    """There is no key to check {} with: give --public-key."""


def verify(
    settings: Settings, against: Path | None, public_keys: Sequence[Path], *, as_json: bool
) -> int:
    """Make the log's chain again from its rows; print its end or its first break; return 1 then.

    It must agree with the seals that the log keeps, and with those of a file. Raises BadSeal.
    """
    began = time.monotonic()
    with closing(connect(log_url(settings), WRITER)) as connection:
        lineage = Lineage.read(connection)
        given = outside(settings, against, public_keys, lineage)
        try:
            seals = [*_own(settings, connection, lineage), *given]  # the last word is theirs
        except BadSeal as bad:
            return _say({"whole": False, "why": str(bad)}, str(bad), as_json=as_json)
        with progress() as bar:
            task = bar.add_task("facts")
            found = follow(
                connection,
                sealed=dict(seal.mark for seal in seals),
                tell=lambda at, head: bar.update(task, completed=at, total=head),
            )
    if isinstance(found, Break):
        why = f"The log is not as it was recorded. The first batch that is wrong: {found}."
        return _say({"whole": False, "why": why, "break": found}, why, as_json=as_json)
    seconds = time.monotonic() - began
    sealed = max((seal.position for seal in seals), default=0)
    return _say(_whole(found, sealed, seconds), _sentence(found, sealed, seconds), as_json=as_json)


def public_key(settings: Settings) -> int:
    """Print the key that seals are checked with; one is made where there is none."""
    typer.echo(Signer.beside(settings.keyring_file).public_pem, nl=False)
    return 0


def aside(sentence: str) -> None:
    """Say what does not belong to what is printed."""
    typer.echo(sentence, err=True)


def progress() -> Progress:
    """Return a bar for facts, which stays out of the way of what is printed."""
    return Progress(
        TextColumn("{task.completed:,.0f} {task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=screen(stderr=True),
    )


def outside(
    settings: Settings, against: Path | None, public_keys: Sequence[Path], lineage: Lineage | None
) -> list[Seal]:
    """Return the seals of a file, by keys that are given or this Huike's. Raises BadSeal, OSError.

    `lineage`: whose they must be, None: anybody's.
    """
    if against is None:
        return []
    trusted = [read_public(file) for file in public_keys]
    if not trusted and file_beside(settings.keyring_file).exists():
        trusted = [Signer.beside(settings.keyring_file).public]
    if not trusted:
        raise NoPublicKey(against)
    return read_seals(against, trusted, lineage, aside)


def _own(settings: Settings, connection: Connection, lineage: Lineage) -> list[Seal]:
    if not file_beside(settings.keyring_file).exists():
        return []
    return kept(connection, Signer.beside(settings.keyring_file).public, lineage)


def _whole(end: Mark, sealed: int, seconds: float) -> dict[str, Any]:
    return {
        "whole": True,
        "position": end.position,
        "chain": end.chain.hex(),
        "sealed": sealed,
        "seconds": round(seconds, 3),
    }


def _sentence(end: Mark, sealed: int, seconds: float) -> str:
    rate = f"{end.position / max(seconds, 0.001):,.0f} a second"
    upto = f"those up to {sealed:,} as they were sealed" if sealed else "none of them was sealed"
    return (
        f"{end.position:,} facts are as they were recorded, {upto} ({rate}). "
        f"The chain ends with {end.chain.hex()}"
    )


def _say(told: dict[str, Any], sentence: str, *, as_json: bool) -> int:
    """Print what was found; return the status of it."""
    typer.echo(msgspec.json.encode(told).decode() if as_json else sentence)
    return 0 if told["whole"] else 1
