"""Names that nothing had before, for requests and messages that bring none of their own."""

import os
from random import Random
from typing import Final

_DIGITS: Final = 32

_bits: Final = Random(os.urandom(32)).getrandbits  # noqa: S311  # names, no secrets


def fresh_name() -> str:
    """Return 128 random bits; to ask the system for them each time would cost a system call."""
    return f"{_bits(128):032x}"


def fresh_names(count: int) -> list[str]:
    if not count:
        return []
    digits = f"{_bits(128 * count):0{_DIGITS * count}x}"
    return [digits[at : at + _DIGITS] for at in range(0, len(digits), _DIGITS)]
