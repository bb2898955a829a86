"""The view of the how-to obeys the laws that it names."""

import re
from typing import Any

from hypothesis import strategies as st

from domain.activity.events import PageViewed
from tests.docs.running import DOCS, blocks
from tests.projections.histories import histories
from tests.projections.laws import Laws

PAGE = DOCS / "how-to" / "add-a-view.md"

written: dict[str, Any] = {}
(code,) = (block.code for block in blocks(PAGE) if block.code.startswith('"""'))
exec(compile(code, str(PAGE), "exec"), written)  # noqa: S102  # it is our own page


class TestLaws(Laws):
    view = written["visits"]
    histories = histories(st.builds(PageViewed, content=st.binary(max_size=2)))


def test_its_columns_are_its_rows() -> None:
    (schema,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for column in written["VISITS"].columns:
        assert re.search(rf"^ +{column} ", schema, re.MULTILINE)
