"""Which pages are generated, and from what."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from docs.generate import (
    asyncapi,
    chain,
    command_line,
    facts,
    http,
    refusals,
    settings,
    topics,
    views,
)

REFERENCE: Final = Path(__file__).parents[1] / "reference"

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "facts.md": facts.page,
    "settings.md": settings.page,
    "command-line.md": command_line.page,
    "openapi.json": http.openapi_json,
    "http-api.md": http.page,
    "views.md": views.page,
    "asyncapi.yaml": asyncapi.document_yaml,
    "topics.md": topics.page,
    "refusals.md": refusals.page,
    "chain.md": chain.page,
}


def written() -> dict[str, str]:
    """Return the text of each page by its file's name."""
    return {name: make() for name, make in PAGES.items()}
