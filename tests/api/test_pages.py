"""Pages for customers: in the language that they read, and safe to open."""

from datetime import timedelta
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.services import Services
from infra import clock
from infra.links import token_of
from projections.page import HEADERS

LOST = {"en": "This link does not work", "zh": "此链接无效"}


@pytest.mark.parametrize(
    ("asked", "lang"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB;q=0.4, zh-Hans ; q=0.9", "zh"),
        ("fr,en;q=0.7,zh;q=0.6", "en"),
        ("zh;q=0,fr", "en"),
        ("*;q=0.5, ;;,q=1", "en"),
    ],
)
def test_a_page_is_in_the_language_that_the_browser_asks_for(
    stranger: TestClient, asked: str, lang: str
) -> None:
    page = stranger.get("/forget-me", headers={"Accept-Language": asked})
    assert LOST[lang] in page.text
    assert f'<html lang="{lang}">' in page.text


def test_what_is_asked_for_in_the_address_goes_before(stranger: TestClient) -> None:
    page = stranger.get("/forget-me?lang=en", headers={"Accept-Language": "zh"})
    assert LOST["en"] in page.text
    assert stranger.get("/forget-me?lang=fr").status_code == 422


def test_a_page_leads_to_itself_in_the_other_language(
    stranger: TestClient, services: Services
) -> None:
    token = token_of(services.ids, UUID(int=5), clock.now() + timedelta(days=1))
    assert (
        f'href="/forget-me?token={token}&amp;lang=zh"'
        in stranger.get(f"/forget-me?token={token}").text
    )
    broken = stranger.get("/forget-me", params={"token": '"><b>&x=1'}).text
    assert "<b>" not in broken
    assert 'href="/forget-me?token=%22%3E%3Cb%3E%26x%3D1&amp;lang=zh"' in broken


def test_every_page_is_sent_with_the_same_policy(stranger: TestClient) -> None:
    for answer in (stranger.get("/forget-me"), stranger.post("/forget-me")):
        assert HEADERS.items() <= {name: answer.headers[name] for name in HEADERS}.items()
