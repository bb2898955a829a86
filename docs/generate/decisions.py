"""The list of decisions, from their titles."""

from pathlib import Path
from typing import Final

from docs.generate.markdown import document

DECISIONS: Final = Path(__file__).parents[1] / "decisions"

_ABOUT: Final = """
What was decided where more than one way was open, why, what it costs, and which check holds it. A
page is not rewritten when a decision changes: the new page says which one it replaces.
"""


def page() -> str:
    """Return the list of all decisions."""
    listed = [
        f"- [{file.read_text(encoding='utf-8').splitlines()[0].removeprefix('# ')}]({file.name})"
        for file in sorted(DECISIONS.glob("0*.md"))
    ]
    return document("Decisions", _ABOUT, "\n".join(listed))
