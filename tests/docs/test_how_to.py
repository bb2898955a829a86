"""The how-tos work as they stand: what can be run is run."""

import re
import time
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from infra.kafka import make_topics
from infra.postgres import READER, WRITER, Connection, connect
from infra.settings import Settings
from tests.docs.running import DOCS, run, service, surroundings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

HOW_TO = DOCS / "how-to"


@pytest.mark.parametrize(
    "page",
    [
        "segment-sdk.md",
        "import-old-orders.md",
        "replay-a-customer.md",
        "rebuild-a-view.md",
        "resend-refused-events.md",
        "show-correct-restrict.md",
        "seal-the-log.md",
        "auditors-package.md",
    ],
)
def test_a_page_works_as_it_stands(page: str, shop: dict[str, str], tmp_path: Path) -> None:
    run(HOW_TO / page, tmp_path, shop)


def test_somebody_is_forgotten_as_the_page_says(database_url: str, tmp_path: Path) -> None:
    with service(database_url, tmp_path, HUIKE_ERASURE_DAYS="0") as environment:
        run(HOW_TO / "forget-a-customer.md", tmp_path, environment)


def test_the_keyring_is_wrapped_as_the_page_says(database_url: str, tmp_path: Path) -> None:
    run(HOW_TO / "keep-keys-in-a-kms.md", tmp_path, surroundings(database_url, tmp_path))


def test_the_chain_is_checked_without_our_program(shop: dict[str, str], tmp_path: Path) -> None:
    run(HOW_TO / "check-the-chain.md", tmp_path, shop)


def test_the_login_of_the_page_reads_the_chain_and_writes_nothing(
    shop: dict[str, str], tmp_path: Path
) -> None:
    page = HOW_TO / "check-the-chain.md"
    (making,) = re.findall(
        r"^```sql\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    url = make_conninfo(shop["HUIKE_LOG_URL"], user="chain_auditor", password="...")  # noqa: S106  # the page's
    with psycopg.connect(shop["HUIKE_LOG_URL"], autocommit=True) as owner:
        owner.execute(making.encode())
        try:
            run(page, tmp_path, {**shop, "HUIKE_LOG_URL": url})
            with psycopg.connect(url, autocommit=True) as auditor:
                for closed in ("delete from log.batch", "table keeper.person_key"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        auditor.execute(closed.encode())
        finally:
            owner.execute("drop owned by chain_auditor")
            owner.execute("drop role chain_auditor")


def test_without_an_address_the_chain_script_says_what_to_set(
    shop: dict[str, str], tmp_path: Path
) -> None:
    without = {name: value for name, value in shop.items() if name != "HUIKE_LOG_URL"}
    with pytest.raises(AssertionError, match="Set HUIKE_LOG_URL"):
        run(HOW_TO / "check-the-chain.md", tmp_path, without)


def test_a_chain_that_was_tampered_with_is_found_out(shop: dict[str, str], tmp_path: Path) -> None:
    with psycopg.connect(shop["HUIKE_LOG_URL"], autocommit=True) as connection:
        connection.execute("update log.fact set actor_id = actor_id || '!' where position = 1")
        try:
            with pytest.raises(AssertionError, match="The chain breaks between 0 and"):
                run(HOW_TO / "check-the-chain.md", tmp_path, shop)
        finally:
            connection.execute(
                "update log.fact set actor_id = rtrim(actor_id, '!') where position = 1"
            )


def test_the_kafka_page_works_as_it_stands(
    database_url: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    mine = {
        "HUIKE_KAFKA_BOOTSTRAP": kafka_bootstrap,
        **{
            f"HUIKE_KAFKA_TOPIC_{name}": f"{name}-{uuid4().hex}" for name in ("IN", "DEAD", "FACTS")
        },
    }
    topics = Settings(
        kafka_bootstrap=kafka_bootstrap,
        kafka_topic_in=mine["HUIKE_KAFKA_TOPIC_IN"],
        kafka_topic_dead=mine["HUIKE_KAFKA_TOPIC_DEAD"],
        kafka_topic_facts=mine["HUIKE_KAFKA_TOPIC_FACTS"],
        slots=4,
    )
    make_topics(topics, replicas=1)
    with service(database_url, tmp_path, worker="shop", **mine) as environment:
        run(HOW_TO / "kafka.md", tmp_path, environment)
        with connect(database_url, WRITER) as connection:
            deadline = time.monotonic() + 40
            while not (found := _recorded(connection)) and time.monotonic() < deadline:
                time.sleep(0.2)
    assert found == {
        ("order.paid", "erp"),
        ("activity.reported", "erp"),
        ("customer.registered", "erp"),
    }


def _recorded(connection: Connection) -> set[tuple[str, str]]:
    return set(connection.execute("select type, source from log.fact").fetchall())


def test_the_questions_of_the_bi_page_can_be_asked(shop: dict[str, str]) -> None:
    page = (HOW_TO / "bi-tool.md").read_text(encoding="utf-8")
    questions = re.findall(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert questions
    with connect(shop["HUIKE_LOG_URL"], READER) as connection:
        for question in questions:
            connection.execute(question).fetchall()


def test_the_reader_may_read_the_views_and_nothing_else(shop: dict[str, str]) -> None:
    with connect(shop["HUIKE_LOG_URL"], READER) as connection:
        for closed in ("log.fact", "keeper.person_key", "log.api_key", "profile_v1.profile"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"table {closed}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from huike.profile")
