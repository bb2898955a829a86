"""The link by which customers ask to be forgotten leads where they can follow it."""

import pytest

from consumers.erasure.linking import link
from infra import clock
from infra.links import customer_of
from infra.settings import Settings
from tests.projections.runtime.shop import Shop

SITE = "https://privacy.shop.example/"


def asked(settings: Settings, customer: str, site: str | None = SITE) -> int:
    return link(settings, customer, shop="tea", days=7, site=site)


@pytest.fixture
def known(shop: Shop) -> Shop:
    shop.email("ada", "ada@example.com")
    return shop


def test_it_names_the_customer_where_customers_reach_the_server(
    known: Shop, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(settings, "ada") == 0
    told = capsys.readouterr()
    address, _, token = told.out.strip().partition("?token=")
    assert (address, told.err) == ("https://privacy.shop.example/forget-me", "")
    assert customer_of(known.ids, token, clock.now()) == known.user("ada")


def test_it_says_where_it_leads_when_it_was_not_told(
    known: Shop, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert known.ids
    assert asked(settings, "ada", None) == 0
    told = capsys.readouterr()
    assert told.out.startswith(f"{settings.local_url}/forget-me?token=")
    assert f"leads to {settings.local_url}," in told.err
    assert "--site" in told.err


def test_who_is_not_known_or_was_forgotten_gets_none(
    known: Shop, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(settings, "bob") == 2
    assert "There is no customer bob" in capsys.readouterr().err
    known.recognise("phone", "ada")
    known.sealer.forget([known.user("ada"), known.visitor("phone")])
    for name in ("ada", f"{known.user('ada')}", f"{known.visitor('phone')}"):
        assert asked(settings, name) == 2
        told = capsys.readouterr()
        assert (told.out, "was forgotten already" in told.err) == ("", True)
