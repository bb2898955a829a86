"""Of all that a person says, nothing that is sealed reaches who sees masks, by whichever door."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx2
import pytest
from starlette.testclient import TestClient

from api.access import TABLE, Sight, rights
from infra.keys import Role, Scope
from infra.settings import Settings
from tests.api.shop import ask
from tests.drills.looking import settle
from tests.privacy import marks, planting
from tests.privacy.marks import Person

ADA = Person(1)
LOOK_UP = "POST /api/customers/look-up"
ELSEWHERE = {
    "GET /api/jobs/{id}",  # to whom asked alone, as they see it
    "GET /api/erasures/{id}",  # there is none
    "GET /api/erasures/{id}/certificate",
    "GET /api/erasures/{id}/certificate/page",
    "GET /forget-me",
}
WANTED = {"GET /api/customers/export": {"format": "csv"}}


class Asked(NamedTuple):
    """A question: how it is sent, and what it says of somebody itself."""

    method: str
    path: str
    says: tuple[str, ...] = ()
    body: Mapping[str, str] | None = None


@pytest.fixture
def told(
    live: None,  # noqa: ARG001  # the views follow
    stranger: TestClient,
    with_scopes: Callable[..., TestClient],
    settings: Settings,
) -> TestClient:
    """Have the shop tell all there is to tell of Ada; return who sees all of it."""
    client = stranger  # one loop, for the wires that questions are answered by
    client.headers["Authorization"] = with_scopes(*Scope).headers["Authorization"]
    planting.publish(client, [ADA])
    planting.publish_parcels(client, [ADA])
    planting.serve(client, ADA, planting.campaign(client))
    settle(settings)
    because = {"reason": ADA.mark("whyrevealed")}
    revealed = client.post(f"/api/customers/user:{ADA.mark('user')}/reveal", json=because)
    assert revealed.is_success, revealed.text
    settle(settings)
    return client


@pytest.fixture
def questions(told: TestClient) -> Mapping[str, list[Asked]]:
    """Return how each operation that shows anything is asked about Ada."""

    def first(of: str) -> dict[str, Any]:
        found: dict[str, Any] = ask(told, "/audit/facts", type=of)["facts"][0]
        return found

    people = [ask(told, f"/customers/user:{ADA.mark(user)}") for user in ("user", "served")]
    customers = [person["customer"] for person in people]
    ids = {
        "/api/customers/{id}": customers,
        "/api/audit/customers/{id}": customers,
        "/api/audit/orders/{id}": ["number:order-1"],
        "/api/audit/tickets/{id}": [first("ticket.opened")["stream"]],
        "/api/audit/campaigns/{id}": ["code:spring"],
        "/api/campaigns/{id}": ["code:spring"],
        "/api/refused/{id}": [one["id"] for one in ask(told, "/refused")["refused"]],
        "/api/audit/facts/{position}": [first("activity.page-viewed")["position"]],
    }
    by = {"user": "user", "anonymous": "visitor"}
    values = {kind: ADA.mark(field) for kind, field in by.items()}
    values |= {"email": ADA.email, "phone": ADA.phone}

    def asked(name: str) -> Iterator[Asked]:
        method, _, path = name.partition(" ")
        if name == LOOK_UP:
            yield Asked(method, path, (ADA.email,), {"email": ADA.email})
            return
        for start, known in ids.items():
            if path.startswith(start):
                rest = path.removeprefix(start).format(field="name", recipient=customers[1])
                for id_ in known:
                    yield Asked(method, start.partition("{")[0] + str(id_) + rest)
                return
        if "by/" in path:
            value = values[path.split("/")[-2]]
            yield Asked(method, path.format(value=quote(value)), (value,))
            return
        assert "{" not in path, f"{path}: whose?"
        yield Asked(method, path)

    names = (n for n in TABLE if n.startswith("GET ") or n == LOOK_UP)
    return {name: [*asked(name)] for name in names if name not in ELSEWHERE}


def seen(client: TestClient, key: str, name: str, questions: Iterable[Asked]) -> set[str]:
    """Return the marks that an operation shows who has a key, but for what they asked for."""
    found = set()
    for asked in questions:
        answer = client.request(
            asked.method,
            asked.path,
            json=asked.body,
            params=WANTED.get(name),
            headers={"Authorization": key},
        )
        assert answer.status_code == 200, (name, answer.text)
        shown = whole(answer)
        for said in asked.says:
            shown = shown.replace(said.encode(), b"")
        found |= {*marks.found_in(shown)}
    return found


def whole(answer: httpx2.Response) -> bytes:
    return b"\n".join([*(b": ".join(header) for header in answer.headers.raw), answer.content])


def test_no_door_shows_who_sees_masks_what_is_sealed(
    told: TestClient,
    questions: Mapping[str, list[Asked]],
    with_roles: Callable[..., TestClient],
    with_scopes: Callable[..., TestClient],
) -> None:
    keys = [
        *((with_roles(role), rights((role,), ())) for role in Role),
        *((with_scopes(scope), rights((), (scope,))) for scope in Scope),
        (with_scopes(*Scope), rights((), tuple(Scope))),
    ]
    for client, sights in keys:
        key = client.headers["Authorization"]
        for name in sights.keys() & questions.keys():
            found = seen(told, key, name, questions[name])
            may = sights[name] is Sight.WHOLE and bool(TABLE[name].shows)
            assert bool(found) == may, (name, sights[name], found)
