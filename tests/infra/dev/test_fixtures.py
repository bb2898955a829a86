"""What a test may expect of the servers it is given."""

import psycopg


def test_a_test_has_a_database_of_its_own(database_url: str, bare_database_url: str) -> None:
    names = set()
    for url in (database_url, bare_database_url):
        with psycopg.connect(url) as connection:
            names.add(connection.info.dbname)
            connection.execute("create table mine (id int)")
    assert len(names) == 2
