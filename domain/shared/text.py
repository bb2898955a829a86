"""Short texts that somebody typed: trimmed, never empty, never endless."""

import re
from typing import Final

from domain.shared.refusals import Malformed

LONGEST: Final = 200
"""Characters of a name, a code or a reason."""

LONGEST_PROSE: Final = 20_000
"""Characters of what people write to each other."""

_ADDRESS: Final = re.compile(r"\S@\S|\+\d[\d ().-]{6,}")
"""An e-mail address, or a phone number as it is dialled from abroad."""


def text(field: str, value: str, *, longest: int = LONGEST) -> str:
    """Return the text without the blanks around it. Raises Malformed when empty or too long."""
    trimmed = value.strip()
    if not trimmed:
        raise Malformed(field=field, why="is empty")
    if len(trimmed) > longest:
        raise Malformed(field=field, why=f"has {len(trimmed)} characters, {longest} are allowed")
    return trimmed


def text_of_nobody(field: str, value: str) -> str:
    """Return what stands in the clear for good. Raises Malformed, for an address too."""
    trimmed = text(field, value)
    if _ADDRESS.search(trimmed):
        raise Malformed(field=field, why="stands in the clear for good: say it without an address")
    return trimmed


def text_or_none(field: str, value: str | None, *, longest: int = LONGEST) -> str | None:
    """Return the text without the blanks around it, None for an empty one."""
    return text(field, value, longest=longest) if value and value.strip() else None
