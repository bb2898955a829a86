"""Keys from the command line: what people are told of them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from consumers.cli.keys import app
from tests.keys import make_key


@pytest.fixture
def typed(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Typed":
    monkeypatch.setenv("HUIKE_LOG_URL", database_url)
    monkeypatch.setenv("HUIKE_HOME", str(tmp_path))
    return Typed()


class Typed:
    """What is typed after `huike keys`."""

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, words)


def test_a_list_tells_the_id_by_which_a_key_s_deeds_are_found(
    typed: Typed, database_url: str
) -> None:
    key, secret = make_key(database_url, "roto", "query")
    told = typed("list").stdout
    assert str(key.id) in told
    assert secret not in told
    (listed,) = json.loads(typed("list", "--json").stdout)
    assert (listed["id"], listed["name"], listed["scopes"]) == (str(key.id), "roto", ["query"])
    assert secret not in str(listed)


def test_of_a_second_key_of_a_name_it_is_said_that_there_is_one(typed: Typed) -> None:
    assert "living keys are named" not in typed("add", "grace", "--role", "agent").stderr
    again = typed("add", "grace", "--role", "agent")
    assert "2 living keys are named grace now" in again.stderr
    assert again.stdout.startswith("hk_")
    typed("revoke", again.stdout.strip()[:9])
    assert "2 living keys" in typed("add", "grace", "--role", "agent").stderr


def test_a_secret_that_leaked_while_two_open_is_revoked_by_its_beginning(typed: Typed) -> None:
    leaked = typed("add", "roto", "--scope", "query").stdout.strip()
    typed("rotate", "roto")
    assert f"its old secret, {leaked[:9]}…, until" in " ".join(typed("list").stdout.split())
    assert "is revoked, its old secret too." in typed("revoke", leaked[:9]).stdout
    again = typed("revoke", leaked[:9])
    assert again.exit_code == 2
    assert "was revoked already" in again.stderr
