"""The login for servers and workers that the how-to makes: a member of their roles, no owner."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from psycopg.conninfo import make_conninfo

from tests.conftest import run_sql

_PAGE: Final = Path(__file__).parents[1] / "docs" / "how-to" / "run-on-a-server.md"
_NAMED: Final = "huike_service"


@contextmanager
def service_login(url: str) -> Iterator[str]:
    """Make one on the server of a migrated database; give its address there."""
    written = re.findall(r"^```sql\n(.*?)^```$", _PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (making,) = (block for block in written if _NAMED in block)
    assert making.count(_NAMED) == 1
    login = f"test_{uuid4().hex}"
    run_sql(url, making.replace(_NAMED, "{login}"), login=login)
    try:
        yield make_conninfo(url, user=login, password="...")  # noqa: S106  # the page's
    finally:
        run_sql(url, "drop role {login}", login=login)
