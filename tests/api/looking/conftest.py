"""A shop that knows Ada, whom Grace serves, and an auditor."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from infra.keys import Role
from tests.api.looking.marks import WHOLE
from tests.api.shop import Shop


@pytest.fixture
def shop(with_scopes: Callable[..., TestClient], live: None) -> Shop:  # noqa: ARG001  # the views follow
    return Shop(with_scopes("command"))


@pytest.fixture
def ada(shop: Shop) -> str:
    person = {"name": WHOLE, "email": "ada@example.com", "phone": "+44 20 7946 0018"}
    customer = shop.customer("ada", person=person, traits={"shoe": "shoe-38"})
    shop.does("POST", f"/customers/{customer}/notes", text="call me Countess")
    consent = f"/customers/{customer}/consents/email/news"
    shop.does("PUT", consent, source="letter: call me Countess", wording="v1")
    ticket = shop.does(
        "POST",
        "/tickets",
        kind="complaint",
        channel="phone",
        about="It came open",
        customer=customer,
    )["id"]
    shop.does("PUT", f"/tickets/{ticket}/agent", agent="grace")
    return customer


@pytest.fixture
def auditor(with_roles: Callable[..., TestClient]) -> TestClient:
    return with_roles(Role.AUDITOR, name="auditor")
