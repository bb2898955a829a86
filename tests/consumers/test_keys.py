"""Keys from the command line: what people are told of them."""

import json

import pytest
from typer.testing import CliRunner, Result

from consumers.cli.keys import app
from infra.keys import Keys
from infra.postgres import WRITER, pool


@pytest.fixture
def typed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> "Typed":
    monkeypatch.setenv("HUIKE_LOG_URL", database_url)
    return Typed()


class Typed:
    """What is typed after `huike keys`."""

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, words)


def test_a_list_tells_the_id_by_which_a_key_s_deeds_are_found(
    typed: Typed, database_url: str
) -> None:
    with pool(database_url, WRITER, size=1) as writer:
        key, secret = Keys(writer).add("roto", ["query"])
    told = typed("list").stdout
    assert str(key.id) in told
    assert secret not in told
    (listed,) = json.loads(typed("list", "--json").stdout)
    assert (listed["id"], listed["name"], listed["scopes"]) == (str(key.id), "roto", ["query"])
    assert secret not in str(listed)
