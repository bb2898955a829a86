"""What a certificate says, held against the system as it runs, or as it was restored."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import typer

from infra.certificates import Altered, Certificate

Read = TypeVar("Read")


class Check(msgspec.Struct, frozen=True):
    """What was looked at, what was found, and whether that is as it should be."""

    what: str
    found: str
    good: bool = True


class _Refusal(msgspec.Struct):
    """An answer that is no certificate."""

    title: str
    status: int
    detail: str = ""


_ALTERED: Final = Check("signature", "it was changed after it was signed", good=False)


def verified(
    file: Path, read: Callable[[bytes], Read], what: str, checks: Callable[[Read], Iterable[Check]]
) -> int:
    """Read a certificate of `what`, check it, and print what was found.

    Return 1 when anything contradicts it, 2 when it is none.
    """
    try:
        certificate = read(file.read_bytes())
    except Altered:
        return tell([_ALTERED])
    except msgspec.DecodeError:
        told = f"{file} is no certificate of {what}, or not whole."
        refusal = _refusal(file)
        typer.echo(f"{told} It is a refusal: {refusal}" if refusal else told, err=True)
        return 2
    return tell(checks(certificate))


def _refusal(file: Path) -> str | None:
    """Return what an answer of Huike's that was kept instead of a certificate says."""
    try:
        told = msgspec.json.decode(file.read_bytes(), type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return told.detail or told.title


def signature(certificate: Certificate[Any], key: str, where: str, *, here: bool) -> Check:
    """Look whether it was signed by this service's `key`; `here`: for this `where`."""
    if not certificate.is_signed:
        return _ALTERED
    if certificate.public_key != key:
        return Check("signature", "another service's", good=False)
    if not here:
        return Check("signature", f"this service's, for another {where}", good=False)
    return Check("signature", "this service's")


def tell(checks: Iterable[Check]) -> int:
    """Print what was found; return 1 when anything contradicts the certificate."""
    bad = 0
    for check in checks:
        typer.echo(f"{'✓' if check.good else '✗'} {check.what}: {check.found}")
        bad += not check.good
    typer.echo("It holds." if not bad else "It does not hold.")
    return int(bad > 0)
