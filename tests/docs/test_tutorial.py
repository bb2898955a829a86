"""The tutorial does what it says, from the first event to the first curve."""

from pathlib import Path

import pytest

from tests.docs.running import DOCS, blocks, run, service


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_tutorial_works_as_it_stands(database_url: str, tmp_path: Path) -> None:
    with service(database_url, tmp_path) as environment:
        run(DOCS / "tutorial.md", tmp_path, environment)


def test_the_tutorial_shows_what_it_prints() -> None:
    shown = [block for block in blocks(DOCS / "tutorial.md") if block.printed]
    assert len(shown) > 10
