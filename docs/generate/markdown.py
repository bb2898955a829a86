"""The little Markdown that the pages are made of."""

from collections.abc import Iterable, Sequence
from inspect import cleandoc
from typing import Final

NOTE: Final = "<!-- Made by `make docs` from the program. Do not edit. -->\n"


def document(title: str, *parts: str) -> str:
    """Return a page: a title, a note that it is generated, and parts with a line between."""
    return "\n\n".join((f"{NOTE}\n# {title}", *(part.strip("\n") for part in parts if part))) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without columns that are empty throughout; nothing when it has no rows."""
    body = [[cell(c) for c in row] for row in rows]
    if not body:
        return ""
    used = [i for i in range(len(heads)) if any(row[i] for row in body)]
    lines = [
        [heads[i] for i in used],
        ["---"] * len(used),
        *([row[i] for i in used] for row in body),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(text: str) -> str:
    """Return text that cannot end a table's cell."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    return f"`{text}`"


def block(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"


def doc(thing: object) -> str:
    """Return a docstring, its paragraphs as they are written."""
    return cleandoc(thing.__doc__ or "")
