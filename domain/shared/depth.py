"""How deep one looks into facts: who asks for less than the whole is answered more quickly."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

Depths = Mapping[str, "Depth"]
"""By stored name, how deep one looks into facts; those not named are seen whole."""

EVERYTHING: Final[Depths] = {}


class Depth(IntEnum):
    """What is seen of a kind of fact.

    NOTHING: it is left out. KIND: that it happened; each field of its event is UNREAD. CLEAR: also
    what it says, but what is personal is ERASED. A version that is not known is never left out.
    """

    NOTHING = 0
    KIND = 1
    CLEAR = 2
    WHOLE = 3
