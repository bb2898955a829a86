"""What is kept of somebody beside their facts is found."""

from collections.abc import Iterator

import pytest

from domain.shared.ids import Ids
from infra.beside import Beside
from infra.keyring import Keyring
from infra.postgres import WRITER, Pool, pool
from infra.refused import Refusals
from infra.sealing import PersonKeys
from projections.marks import Marks
from projections.sought import Sought
from tests.refused import refused

EMAIL = "ada@example.com"


@pytest.fixture
def writer(database_url: str) -> Iterator[Pool]:
    with pool(database_url, WRITER) as opened:
        yield opened


@pytest.fixture
def ids(ring: Keyring) -> Ids:
    return Ids(ring.secret)


@pytest.fixture
def whom(ids: Ids) -> Sought:
    ada = ids.user("tea", "ada")
    return Sought(ids, {ada: ("tea", Marks(frozenset({ada}), addresses=frozenset({EMAIL})))})


@pytest.fixture
def beside(writer: Pool, keys: PersonKeys, ids: Ids) -> Beside:
    return Beside(writer, keys, ids)


@pytest.fixture
def refusals(writer: Pool, keys: PersonKeys, ids: Ids) -> Refusals:
    return Refusals(writer, keys, ids)


def test_what_names_them_is_found_in_order_and_other_shops_by_an_address_alone(
    beside: Beside, refusals: Refusals, whom: Sought
) -> None:
    sent = {
        "by id": (b'{"userId":"ada"}', "tea"),
        "another shop's": (b'{"userId":"ada"}', "coffee"),
        "by address": (b'{"email":"ADA@example.com"}', "coffee"),
        "nobody's": (b"{", "tea"),
    }
    for detail, (message, shop) in sent.items():
        refusals.keep([refused(message, shop=shop, detail=detail)])
    found = beside.refused("tea", whom)
    messages = beside.said(found)
    assert [(it.detail, (messages[it.id], it.shop)) for it in found] == [
        (detail, sent[detail]) for detail in ("by id", "by address")
    ]
