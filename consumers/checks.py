"""What a certificate says, held against the system as it runs, or as it was restored."""

from collections.abc import Iterable

import msgspec
import typer


class Check(msgspec.Struct, frozen=True):
    """What was looked at, what was found, and whether that is as it should be."""

    what: str
    found: str
    good: bool = True


def tell(checks: Iterable[Check]) -> int:
    """Print what was found; return 1 when anything contradicts the certificate."""
    bad = 0
    for check in checks:
        typer.echo(f"{'✓' if check.good else '✗'} {check.what}: {check.found}")
        bad += not check.good
    typer.echo("It holds." if not bad else "It does not hold.")
    return int(bad > 0)
