"""Where commands print: wide enough to be read by programs where nobody looks."""

from typing import Final

from rich.console import Console

_WIDE: Final = 200


def screen(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal, or wide where there is none."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console
