"""Makes an auditor's package from the command line, and checks one without a database."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import typer

from consumers.actors import known
from consumers.audit import NoPublicKey, aside
from consumers.choosing import MOST, AboutNothing, Asked, Chosen, TooMany, choose
from consumers.mistakes import of_file
from consumers.opened import Opened, opened
from consumers.package_page import page
from consumers.proofs import prove
from infra.access_log import Access, Reads
from infra.event_store.unpacked import unpacked
from infra.evidence import ACTORS, FACTS, READS, SEALS, Checked, Manifest, check, line, write
from infra.postgres import WRITER, Connection, connect, pool
from infra.retention import destroyed_reads, overlaps
from infra.seals import Broken, Lineage, Seal, kept, read_seals, seal
from infra.settings import Settings
from infra.signing import Signer, read_public


def package(settings: Settings, asked: Asked, file: Path) -> int:
    """Seal the log's head, and write the facts asked for with what proves them.

    Returns 1 when the log is not as it was recorded, or has nothing of the kind.
    """
    if asked.is_about_nothing:
        typer.echo(AboutNothing.__doc__, err=True)
        return 2
    if file.exists():
        typer.echo(f"{file} is there already.", err=True)
        return 2
    with opened(settings) as here, _log(here) as connection:
        signer = Signer.beside(settings.keyring_file)
        try:
            made = _make(here, connection, signer, asked)
        except (Broken, TooMany) as refusal:
            typer.echo(str(refusal), err=True)
            return 1
        if made is None:
            typer.echo("The log has nothing of the kind.", err=True)
            return 1
        manifest, files = made
    try:
        write(file, manifest, files, signer)
    except OSError as error:
        typer.echo(of_file(error, file), err=True)
        return 2
    typer.echo(
        f"{file}: {manifest.facts:,} facts, each proven by a seal of the key {signer.public}"
    )
    return 0


def check_package(file: Path, public_keys: Sequence[Path], against: Path | None) -> int:
    """Say what a package proves. Raises BadPackage, BadSeal, OSError."""
    trusted = {read_public(one) for one in public_keys}
    if against is not None and not trusted:
        raise NoPublicKey(against)
    held = read_seals(against, trusted, None, aside) if against is not None else []
    checked = check(file, trusted, held)
    manifest = checked.manifest
    about = ", ".join(f"{name} {value}" for name, value in manifest.about.items())
    typer.echo(
        f"{manifest.facts:,} facts about {about}, made {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC "
        f"of log {manifest.log}: each is in it, at its place, as it was sealed."
    )
    if against is not None:
        typer.echo(f"{checked.held:,} of them by seals that stand in {against}.")
        _tell_of_the_others(checked, held, against)
    if not trusted:
        typer.echo(f"Signed with the key {manifest.key}: ask whose it is, or give --public-key.")
    return 0


def _tell_of_the_others(checked: Checked, held: Sequence[Seal], against: Path) -> None:
    """Say how many facts the seals that were known before do not prove, and what to do."""
    there = {seal.position for seal in held}
    others = [f"{seal.position:,}" for seal in checked.seals if seal.position not in there]
    if others:
        typer.echo(
            f"{checked.manifest.facts - checked.held:,} of them by seals that do not stand there, "
            f"at {', '.join(others)}: for these you trust whoever made the package. Ask for the "
            f"seals: `huike audit seal --to {against}` writes all that there are."
        )


def _log(here: Opened) -> "closing[Connection]":
    assert here.settings.log_url is not None
    return closing(connect(here.settings.log_url, WRITER))


def _make(
    here: Opened, connection: Connection, signer: Signer, asked: Asked
) -> tuple[Manifest, dict[str, bytes]] | None:
    now = datetime.now(UTC)
    last = seal(connection, signer, now)
    if last is None:
        return None
    chosen = choose(connection, here.reader, here.ids, asked, last.position)
    if not chosen.positions:
        return None
    seals = kept(connection, signer.public, Lineage.read(connection))
    proven = list(prove(connection, chosen.positions, seals))
    used = {one.seal for one in proven}
    own = [one for one in seals if one.position in used]
    facts = [unpacked(one.row) for one in proven]
    assert here.settings.log_url is not None
    with pool(here.settings.log_url, WRITER, size=1) as writer:
        reads = _reads(Reads(writer, here.sealer), asked, chosen)
        acting = (
            (str(one["actor_kind"]), str(one["actor_id"])) for one in (*facts, *(reads or ()))
        )
        actors = known(writer, acting)
    gone = [
        f"{one.shop} {one.month}"
        for one in destroyed_reads(connection)
        if overlaps(one.month, asked.since, asked.until)
    ]
    manifest = Manifest(
        log=last.log, about=asked.told(), made_at=now, facts=len(proven), key=signer.public
    )
    files = {
        FACTS: _lines(line(one.row, one.seal, one.path) for one in proven),
        SEALS: _lines(one.line() for one in own),
        ACTORS: _lines(msgspec.json.encode(one) for one in actors),
        "index.html": page(manifest, facts, own, reads, actors, destroyed=gone).encode(),
        "public-key.pem": signer.public_pem.encode(),
    }
    if reads is not None:
        files[READS] = _lines(msgspec.json.encode(one) for one in reads)
    return manifest, files


def _lines(lines: Iterable[bytes]) -> bytes:
    return b"".join(one + b"\n" for one in lines)


def _reads(reads: Reads, asked: Asked, chosen: Chosen) -> list[dict[str, Any]] | None:
    """Return who read data of these people, or of everybody; None: it is about no person.

    Nothing of others, nor what may say who somebody is. Raises TooMany.
    """
    if chosen.people is None:
        found = reads.between(asked.since, asked.until)
    elif chosen.people:
        found = reads.of(chosen.people, since=asked.since, until=asked.until)
    else:
        return None
    told = [_told(access) for access in islice(found, MOST + 1)]
    if len(told) > MOST:
        raise TooMany(TooMany.__doc__)
    return told


def _told(access: Access) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(access)
    for personal in ("reason", "conditions"):
        del told[personal]
    return told
