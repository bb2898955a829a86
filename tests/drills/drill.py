"""What a drill is: one sentence that must hold, and a run that does harm and looks."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tests.drills.ground import Ground

Say = Callable[[str], None]
"""Is told what is being done."""


class Skipped(Exception):
    """A drill that cannot be run on this machine; the reason follows."""


class Drill(msgspec.Struct, frozen=True):
    """Something that goes wrong, and what must hold nevertheless.

    `run` does it on the ground that it is given and writes down what it did and what it found.
    Raises Skipped.
    """

    name: str
    must_hold: str
    run: "Callable[[Ground, Findings], None]"
    kafka: bool = False
    """Its short form needs Kafka too."""
    fits: bool = True
    """Its short form is short enough for every run of the tests."""
    by_name: bool = False
    """It is run only when it is asked for: it takes as long as many others."""


class Claim(msgspec.Struct, frozen=True):
    """One thing that was looked at, and whether it was as it must be."""

    what: str
    held: bool
    found: str

    def __str__(self) -> str:
        found = f": {self.found}" if self.found else ""
        return f"{self.what}{found}" if self.held else f"NOT HELD: {self.what}{found}"


class Findings:
    """What a drill did and found, told as it comes."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.did: list[str] = []
        self.claims: list[Claim] = []

    def note(self, what: str) -> None:
        """Write down what was done."""
        self.did.append(what)
        self.say(what)

    def claim(self, what: str, *, held: bool, found: object = "") -> None:
        """Write down whether something held, with what was found."""
        self.claims.append(Claim(what, held, str(found)))
        self.say(str(self.claims[-1]))

    def same(self, what: str, found: object, wanted: object) -> None:
        """Claim that what was found is what was wanted."""
        told = f"{found}" if found == wanted else f"{found}, not {wanted}"
        self.claim(what, held=found == wanted, found=told[:500])

    @property
    def held(self) -> bool:
        return bool(self.claims) and all(claim.held for claim in self.claims)
