"""Which pages are generated, and from what."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from docs.generate import (
    access,
    asyncapi,
    chain,
    command_line,
    decisions,
    facts,
    http,
    refusals,
    settings,
    staying,
    topics,
    views,
)

DOCS: Final = Path(__file__).parents[1]
REFERENCE: Final = DOCS / "reference"

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "reference/facts.md": facts.page,
    "reference/settings.md": settings.page,
    "reference/command-line.md": command_line.page,
    "reference/openapi.json": http.openapi_json,
    "reference/http-api.md": http.page,
    "reference/views.md": views.page,
    "reference/asyncapi.yaml": asyncapi.document_yaml,
    "reference/topics.md": topics.page,
    "reference/access.md": access.page,
    "reference/in-the-clear.md": staying.page,
    "reference/refusals.md": refusals.page,
    "reference/chain.md": chain.page,
    "decisions/README.md": decisions.page,
}


def written() -> dict[str, str]:
    """Return the text of each page by its place in `docs`."""
    return {name: make() for name, make in PAGES.items()}
