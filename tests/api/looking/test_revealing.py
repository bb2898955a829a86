"""Who may not see somebody whole says why, and is shown once."""

from collections.abc import Callable
from uuid import UUID

from starlette.testclient import TestClient

from infra.keys import Role
from tests.api.looking.marks import WHOLE, at, marked, reads
from tests.api.shop import Shop, ask


def test_a_reveal_says_why_is_a_fact_and_stands_in_the_access_log(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], auditor: TestClient
) -> None:
    heidi = with_roles(Role.AGENT, name="heidi")
    assert ask(heidi, f"/customers/{ada}", **at(shop))["masked"]
    answer = heidi.post(f"/api/customers/{ada}/reveal", json={"reason": "She asks for a call."})
    assert (answer.json()["name"], answer.json()["private"]["shoe"]) == (WHOLE, "shoe-38")
    (fact,) = ask(auditor, "/audit/facts", type="customer.personal-data-revealed")["facts"]
    assert fact["position"] == int(answer.headers["X-Position"])
    assert fact["by"]["name"] == "heidi"
    assert fact["correlation"] == answer.headers["X-Request-ID"]
    assert fact["data"] == {
        "reason": "sealed",
        "fields": ["name", "email", "phone", "person", "private"],
    }
    (read,) = reads(auditor, customer=ada)
    assert (read["basis"], read["reason"]) == ("revealed", "sealed")
    assert read["request"] == fact["correlation"]
    shop.position = fact["position"]
    assert ask(heidi, f"/customers/{ada}", **at(shop))["masked"]
    told = ask(heidi, f"/customers/{ada}/timeline", lang="zh", **at(shop))["timeline"][0]
    assert told["text"] == "个人信息被查看"


def test_why_somebody_was_revealed_is_told_to_who_sees_persons_and_that_is_written_down(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], auditor: TestClient
) -> None:
    heidi, officer = with_roles(Role.AGENT, name="heidi"), with_roles(Role.PRIVACY_OFFICER)
    ask(heidi, f"/customers/{ada}", **at(shop))
    heidi.post(f"/api/customers/{ada}/reveal", json={"reason": "Ada Lovelace calls"})
    assert "Lovelace" not in auditor.get("/api/audit/access").text
    (seen,) = reads(officer)
    assert seen["reason"] == "Ada Lovelace calls"
    read, revealed = reads(auditor)
    assert (read["operation"], read["customers"]) == ("GET /api/audit/access", [ada])
    assert revealed["reason"] == "sealed"


def test_a_reveal_without_a_reason_shows_nothing(
    shop: Shop, ada: str, with_roles: Callable[..., TestClient], auditor: TestClient
) -> None:
    sales = with_roles(Role.SALES)
    ask(sales, f"/customers/{ada}", **at(shop))
    for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": None}):
        answer = sales.post(f"/api/customers/{ada}/reveal", json=body)
        assert answer.status_code == 422
        assert marked(answer.text) == []
    nobody = sales.post(f"/api/customers/{UUID(int=1)}/reveal", json={"reason": "Who?"})
    assert nobody.status_code == 404
    analyst = with_roles(Role.ANALYST).post(
        f"/api/customers/{ada}/reveal", json={"reason": "Curious"}
    )
    assert analyst.status_code == 403
    assert reads(auditor) == []
    assert not ask(auditor, "/audit/facts", type="customer.personal-data-revealed")["facts"]
