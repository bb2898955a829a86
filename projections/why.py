"""Why a value is what it is: the rule, the facts that made it, and which of them decide."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from domain.shared.events import Fact


class Rule(StrEnum):
    """How facts make a value."""

    LAST = "the last said holds"
    FIRST = "the first holds"
    LATEST = "the latest instant"
    EARLIEST = "the earliest instant"
    SUM = "all count together"
    EACH = "for each name the last said holds"
    DEFINITION = "the first line of the definition that holds"
    THRESHOLDS = "the net against the policy's thresholds"


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that made a value, by (occurred_at, position).

    `deciding`: positions of those that hold now, where one replaces another; else all of them.
    """

    field: str
    rule: Rule
    types: tuple[str, ...]
    facts: Sequence[Fact]
    deciding: Sequence[int]
