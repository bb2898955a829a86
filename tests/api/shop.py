"""A shop that asks for things to be done over HTTP."""

from typing import Any

from starlette.testclient import TestClient

ORDER = {
    "number": "1001",
    "lines": [{"product": "tea-01", "quantity": "2", "unit_price": "21.25"}],
    "total": "42.50",
}
REGISTERED = ["customer.registered", "customer.traits-asserted"]
"""The shop's own id is a sealed trait."""


class Shop:
    """Asks for things to be done, and remembers where in the log they stand."""

    def __init__(self, desk: TestClient) -> None:
        self.desk = desk
        self.position = 0

    def does(self, method: str, place: str, **body: Any) -> dict[str, Any]:
        answer = self.desk.request(method, f"/api{place}", json=body or None)
        assert answer.status_code in {201, 202}, answer.text
        told: dict[str, Any] = answer.json()
        self.position = told["position"] or self.position
        return told

    def customer(self, user: str, **about: Any) -> str:
        made: str = self.does("POST", "/customers", user=user, **about)["id"]
        return made

    def order(self, number: str, customer: str, total: str, **when: Any) -> str:
        lines = [{"product": "t1", "category": "tea", "unit_price": total}]
        order: str = self.does(
            "POST", "/orders", number=number, customer=customer, lines=lines, total=total, **when
        )["id"]
        self.does("POST", f"/orders/{order}/payments", amount=total)
        return order


def ask(client: TestClient, place: str, **wanted: Any) -> Any:
    answer = client.get(f"/api{place}", params=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


def recorded(client: TestClient, **wanted: Any) -> list[str]:
    answer = client.get("/api/audit/facts", params=wanted)
    return [fact["type"] for fact in answer.json()["facts"]]


def ada(client: TestClient) -> str:
    answer = client.post("/api/customers", json={"user": "ada"})
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made
