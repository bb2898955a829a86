"""An auditor's package: facts with what proves them, signed, to be checked without a database."""

import base64
import binascii
import hashlib
import zipfile
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from infra.event_store.tree import proves
from infra.event_store.unpacked import NotARow, unpacked
from infra.seals import Seal, parse_seal
from infra.signing import Signer, is_signed

FACTS: Final = "facts.jsonl"
SEALS: Final = "seals.jsonl"
ACTORS: Final = "actors.jsonl"
READS: Final = "access.jsonl"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
_SIGNED: Final = b"Huike package 1\n"
LARGEST: Final = 2 * 1024**3
"""Bytes that all files of a package may have, unpacked; whoever checks one holds them."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a package is about, and the digest of each of its files."""

    package: Literal[1] = 1
    log: UUID
    about: dict[str, str]
    made_at: datetime
    facts: int
    key: str
    files: dict[str, str] = {}


class Actor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who recorded a fact or read data. Of others than keys, kind and id are all there is."""

    id: str
    kind: str
    name: str | None = None
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    shop: str | None = None
    source: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class BadPackage(Exception):
    """A package that proves nothing."""

    def __init__(self, file: object, **more: object) -> None:
        super().__init__(str(type(self).__doc__).format(file, **more))


class NotAPackage(BadPackage):
    """{} is no auditor's package, or not whole."""


class TooLarge(BadPackage):
    """{} would unpack to more than a package may hold: nothing of it was read."""


class OtherFiles(BadPackage):
    """{} was altered: the files in it are not those that it was made with."""


class AlteredManifest(BadPackage):
    """{} was altered: the signature does not fit what its manifest says."""


class AlteredFile(BadPackage):
    """{} was altered: {name} in it is not what it was made with."""


class OtherSigner(BadPackage):
    """{} is signed with the key {key}, which is none of those that were given."""


class Unproven(BadPackage):
    """{} does not prove its fact at position {position}: {why}."""


class UnknownActor(BadPackage):
    """{} does not say in {name} who {actor} is, whom it names."""


class OtherSeal(BadPackage):
    """{} has another seal for position {position} than the file of seals that was given."""


class _Acting(msgspec.Struct):
    actor_kind: str
    actor_id: str


class Checked(msgspec.Struct, frozen=True):
    """What a package proves; `held`: how many facts by seals that were known before."""

    manifest: Manifest
    seals: Sequence[Seal]
    held: int


def line(row: bytes, sealed_at: int, path: Sequence[bytes]) -> bytes:
    """Return a fact as a package has it: to read, its canonical bytes, and their proof."""
    told = {
        **unpacked(row),
        "row": base64.b64encode(row).decode(),
        "seal": sealed_at,
        "path": [one.hex() for one in path],
    }
    return msgspec.json.encode(told)


def write(file: Path, manifest: Manifest, files: Mapping[str, bytes], signer: Signer) -> None:
    """Write a package. Raises OSError; FileExistsError rather than replace another."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    told = msgspec.json.format(
        msgspec.json.encode(msgspec.structs.replace(manifest, files=digests))
    )
    with zipfile.ZipFile(file, "x", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, told)
        archive.writestr(SIGNATURE, signer.sign(_SIGNED + told))
        for name, content in files.items():
            archive.writestr(name, content)


def check(file: Path, trusted: Collection[str], held: Sequence[Seal] = ()) -> Checked:
    """Return what a package proves. Raises OSError, BadPackage, BadSeal: it was altered, or lies.

    `trusted`: public keys; none: that which it names itself. `held`: seals known before.
    """
    files = _contents(file)
    manifest = _manifest(file, files)
    if trusted and manifest.key not in trusted:
        raise OtherSigner(file, key=manifest.key)
    for name, digest in manifest.files.items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise AlteredFile(file, name=name)
    seals = _seals(file, files, trusted or {manifest.key})
    known = {seal.position: seal.mark for seal in held}
    for position, seal in seals.items():
        if known.get(position, seal.mark) != seal.mark:
            raise OtherSeal(file, position=position)
    last = counted = 0
    sealed: list[int] = []
    for told in files[FACTS].splitlines():
        last, seal_at = _proven(file, told, last, seals)
        counted += 1
        sealed.append(seal_at)
    if counted != manifest.facts:
        raise AlteredFile(file, name=FACTS)
    if ACTORS in files:  # packages of before name none
        _named(file, files)
    return Checked(manifest, list(seals.values()), sum(at in known for at in sealed))


def _contents(file: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if sum(one.file_size for one in archive.infolist()) > LARGEST:  # it gives no more
                raise TooLarge(file)
            found = {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError):
        raise NotAPackage(file) from None
    if not {MANIFEST, SIGNATURE} <= set(names):
        raise NotAPackage(file)
    if len(names) != len(found):
        raise OtherFiles(file)
    return found


def _manifest(file: Path, files: Mapping[str, bytes]) -> Manifest:
    told = files[MANIFEST]
    try:
        manifest = msgspec.json.decode(told, type=Manifest)
        signature = files[SIGNATURE].decode("ascii")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise AlteredManifest(file) from None
    if not is_signed(_SIGNED + told, signature, manifest.key):
        raise AlteredManifest(file)
    needed = {MANIFEST, SIGNATURE, *manifest.files}
    if set(files) != needed or not {FACTS, SEALS} <= needed:
        raise OtherFiles(file)
    return manifest


def _seals(file: Path, files: Mapping[str, bytes], trusted: Collection[str]) -> dict[int, Seal]:
    seals: dict[int, Seal] = {}
    for number, told in enumerate(files[SEALS].splitlines(), 1):
        seal = parse_seal(told, f"Line {number} of {SEALS} in {file}", trusted)
        seals[seal.position] = seal
    return seals


def _named(file: Path, files: Mapping[str, bytes]) -> None:
    """Raise BadPackage unless everybody who recorded a fact or read data is among the actors."""
    try:
        actors = [msgspec.json.decode(one, type=Actor) for one in files[ACTORS].splitlines()]
        told = (*files[FACTS].splitlines(), *files.get(READS, b"").splitlines())
        acting = [msgspec.json.decode(one, type=_Acting) for one in told]
    except msgspec.MsgspecError:
        raise AlteredFile(file, name=ACTORS) from None
    known = {(one.kind, one.id) for one in actors}
    for one in acting:
        if (one.actor_kind, one.actor_id) not in known:
            who = f"{one.actor_kind} {one.actor_id}"
            raise UnknownActor(file, name=ACTORS, actor=who)


def _proven(file: Path, told: bytes, last: int, seals: Mapping[int, Seal]) -> tuple[int, int]:
    """Return the position of a fact, and of the seal that proves it."""
    try:
        fact: Any = msgspec.json.decode(told)
        row = base64.b64decode(fact["row"], validate=True)
        path = [bytes.fromhex(one) for one in fact["path"]]
        position, seal = int(unpacked(row)["position"]), seals[fact["seal"]]
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, binascii.Error, NotARow):
        raise Unproven(file, position=f"after {last}", why="it is not whole") from None
    if position <= last:
        raise Unproven(file, position=position, why="it is not in order")
    if msgspec.json.decode(line(row, seal.position, path)) != fact:
        raise Unproven(file, position=position, why="what is to be read is not what was sealed")
    peaks = [bytes.fromhex(peak) for peak in seal.peaks]
    if not proves(row, position, path, seal.position, peaks):
        raise Unproven(file, position=position, why="it is not under the seal that it names")
    return position, seal.position
