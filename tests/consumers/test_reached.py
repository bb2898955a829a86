"""The doctor says who logs in to Postgres, and whether somebody else could answer for it."""

import pytest

from consumers.reached import guarded, is_here, of_login
from infra.postgres import KEEPER, OWNER, READER, VIEWS, WRITER, connect
from tests.conftest import run_sql
from tests.logins import service_login

ALL = (WRITER, KEEPER, VIEWS, READER)


@pytest.mark.parametrize(
    "host", ["", "/run/postgresql", "@huike", "localhost", "127.0.0.1", "127.3.2.1", "::1"]
)
def test_this_machine_needs_no_guard_on_the_way(host: str) -> None:
    assert is_here(host)
    assert list(guarded({"host": host, "sslmode": "prefer"}, encrypted=False)) == []


@pytest.mark.parametrize("host", ["db.example.com", "10.0.0.7", "2001:db8::7", "localhost,db"])
@pytest.mark.parametrize("mode", ["allow", "prefer", "require", "verify-ca"])
def test_to_another_machine_it_must_be_looked_who_answers(host: str, mode: str) -> None:
    for encrypted in (True, False):
        ((_, mend),) = guarded({"host": host, "sslmode": mode}, encrypted=encrypted)
        assert "sslmode=verify-full" in f"{mend}"


def test_an_address_behind_a_name_is_what_counts() -> None:
    told = {"host": "localhost", "hostaddr": "10.0.0.7", "sslmode": "prefer"}
    assert len(list(guarded(told, encrypted=True))) == 1


@pytest.mark.parametrize(
    ("mode", "encrypted", "how"),
    [("verify-full", True, "encr"), ("disable", False, "in the clear")],
)
def test_who_asked_for_it_is_told_what_they_have(mode: str, encrypted: bool, how: str) -> None:  # noqa: FBT001  # a case
    ((told, mend),) = guarded({"host": "db", "sslmode": mode}, encrypted=encrypted)
    assert told.startswith(how)
    assert mend is None


def test_a_login_is_told_by_what_it_could_do(database_url: str) -> None:
    with connect(database_url, WRITER) as owners:
        told, mend = of_login(owners, ALL)
        assert "is a superuser" in told
    with service_login(database_url) as service, connect(service, WRITER) as connection:
        login = connection.execute("select session_user::text").fetchone()
        assert login is not None
        told, mend = of_login(connection, ALL)
        assert (told.endswith("who cannot change history"), mend) == (True, None)
        run_sql(database_url, "grant {owner} to {login}", owner=OWNER, login=login[0])
        told, mend = of_login(connection, ALL)
        assert (f"may become {OWNER}" in told, mend) == (True, None)
        run_sql(database_url, "revoke {role} from {login}", role=READER, login=login[0])
        assert of_login(connection, ALL)[1] == f"grant {READER} to {login[0]}"
