"""What is named at the command line is what the API means by the same words."""

from uuid import UUID

import pytest

from consumers.named import named
from tests.infra.event_store.writing import IDS

ADA = IDS.user("shop", "ada")


@pytest.mark.parametrize("given", ["ada", "user:ada", str(ADA)])
def test_a_customer_is_named_by_an_id_with_its_kind_or_without(given: str) -> None:
    assert named(given, "user", IDS.user, "shop") == ADA


@pytest.mark.parametrize(
    ("given", "meant"),
    [("user:user:ada", "user:ada"), ("number:7", "number:7"), ("user:", "user:")],
)
def test_an_id_may_look_like_a_kind(given: str, meant: str) -> None:
    found: UUID = named(given, "user", IDS.user, "shop")
    assert found == IDS.user("shop", meant)
