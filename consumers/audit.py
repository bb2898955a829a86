"""Proves from the command line that the log is as it was recorded, or names where it is not."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from consumers.ghosts import hold
from consumers.place import log_url
from consumers.screen import screen
from infra.access_chain import Followed, ReadsBreak
from infra.access_chain import follow as follow_reads
from infra.event_store.chain import Break, Mark, follow
from infra.postgres import WRITER, Connection, connect
from infra.retention import destroyed_runs
from infra.seals import BadSeal, Lineage, Seal, kept, read_seals
from infra.settings import Settings
from infra.signing import Signer, file_beside, read_public


class NoPublicKey(BadSeal):
    """There is no key to check {} with: give --public-key."""


def verify(
    settings: Settings, against: Path | None, public_keys: Sequence[Path], *, as_json: bool
) -> int:
    """Make the log's chain again from its rows; print its end or its first break; return 1 then.

    That of reads too. They must agree with the seals that the log keeps, and with those of a file;
    and API keys with their facts. Raises BadSeal.
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
        reads = _reads(connection, settings, public_keys, seals)
        keys = hold(connection)
    if isinstance(reads, ReadsBreak):
        why = f"The access log is not as it was written. The first that is wrong: {reads}."
        return _say({"whole": False, "why": why, "break": reads}, why, as_json=as_json)
    if keys.ghosts:
        why = f"Keys are not as their facts say: {'; '.join(str(one) for one in keys.ghosts)}."
        return _say({"whole": False, "why": why, "keys": keys.ghosts}, why, as_json=as_json)
    seconds = time.monotonic() - began
    sealed = max((seal.position for seal in seals), default=0)
    told = _whole(found, sealed, seconds) | _whole_reads(reads, seals) | {"keys": keys.keys}
    sentences = (
        _sentence(found, sealed, seconds),
        _sentence_of_reads(reads, seals),
        str(keys),
    )
    return _say(told, "\n".join(sentences), as_json=as_json)


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


def _reads(
    connection: Connection, settings: Settings, public_keys: Sequence[Path], seals: Sequence[Seal]
) -> Followed | ReadsBreak:
    """Make the chain of reads again; what retention says it destroyed is believed if it signed."""
    trusted = {read_public(file) for file in public_keys}
    if file_beside(settings.keyring_file).exists():
        trusted.add(Signer.beside(settings.keyring_file).public)
    return follow_reads(
        connection,
        sealed=_sealed_reads(seals),
        destroyed=lambda: destroyed_runs(connection, trusted or None),
    )


def _sealed_reads(seals: Sequence[Seal]) -> dict[int, bytes]:
    return dict(mark for seal in seals for what, mark in seal.marks() if what == "reads")


def _whole_reads(found: Followed, seals: Sequence[Seal]) -> dict[str, Any]:
    return {
        "reads": found.reads,
        "reads_chain": found.end.chain.hex(),
        "reads_sealed": max(_sealed_reads(seals), default=0),
        "reads_before_the_chain": found.before,
    }


def _sentence_of_reads(found: Followed, seals: Sequence[Seal]) -> str:
    sealed = max(_sealed_reads(seals), default=0)
    upto = f"those up to number {sealed:,} as they were sealed" if sealed else "none was sealed"
    before = f"; {found.before:,} from before they were chained" if found.before else ""
    return f"{found.reads:,} reads of personal data are as they were written, {upto}{before}."


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
