"""Whom a certificate calls forgotten nothing opens: not today's keys, nor a backup's with them."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.services import Services
from consumers.erasure import carrying_out
from consumers.erasure.due import carry_out_due
from infra.epochs import renew
from infra.keyring import Keyring, KeyringLost
from infra.keys import Role
from infra.postgres import KEEPER, connect, pool
from infra.sealing import PersonKeys
from infra.settings import Settings
from tests.consumers.following import eventually
from tests.privacy import marks, planting
from tests.privacy.marks import Person

GONE, STAYS = Person(0), Person(1)
"""Of them, one asks to be forgotten."""

pytestmark = pytest.mark.slow


def opened(services: Services, identities: Sequence[UUID]) -> Counter[str]:
    """Open all that there is of somebody, and count the marks in it."""
    facts = services.reader.of_origins(identities, upto=services.reader.last())
    found = marks.found_in(repr([fact.event for fact in facts]).encode())
    with services.writer.connection() as connection:
        kept = connection.execute(
            "select position from log.original where origin = any(%s)", (list(identities),)
        ).fetchall()
    for (position,) in kept:
        message = services.originals.find(position).message
        found += marks.found_in(bytes(message) if message is not None else b"")
    refused = services.refused.page(after=None, reason=None, limit=1000)
    for packet in services.refused.open(refused).values():
        if GONE.mark("user").encode() in packet.message:
            found += marks.found_in(packet.message)
    return found


def test_nothing_of_the_forgotten_opens_and_all_of_the_others_does(  # noqa: PLR0913, PLR0917  # the whole service
    services: Services,
    settings: Settings,
    live: None,
    with_scopes: Callable[..., TestClient],
    with_roles: Callable[..., TestClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert live is None
    url = settings.log_url
    assert url is not None
    services.settings = settings.model_copy(update={"erasure_days": 0, "erasure_order_days": 0})
    monkeypatch.setattr(carrying_out, "FORGOTTEN_WITHIN_SECONDS", 0.5)
    planting.publish(with_scopes("ingest"), (GONE, STAYS))
    whose = {p: services.ids.user("shop", p.mark("user")) for p in (GONE, STAYS)}
    identities = {
        p: services.reader.origins_of(w, at=services.reader.last()) for p, w in whose.items()
    }
    before = opened(services, identities[GONE])
    assert {"name", "email", "query", "engraving", "refused"} <= set(before)
    old_ring = settings.keyring_file.with_name("old-keyring.json")
    old_ring.write_bytes(settings.keyring_file.read_bytes())
    with connect(url, KEEPER) as connection:
        backed_up = connection.execute(
            "select identity, epoch, wrapped from keeper.person_key where identity = any(%s)",
            (list(identities[GONE]),),
        ).fetchall()

    desk = with_roles(Role.PRIVACY_OFFICER)
    erasure = desk.post(f"/api/customers/{whose[GONE]}/erasure").json()["erasure"]

    def certified() -> bool:
        carry_out_due(services.settings)
        told: bool = desk.get(f"/api/erasures/{erasure}").json()["certified"]
        return told

    eventually(certified, "a certificate")
    renew(url, Keyring.open(settings.keyring_file))

    assert opened(services, identities[GONE]) == {}
    assert {"name", "email", "query", "engraving"} <= set(opened(services, identities[STAYS]))
    with pool(url, KEEPER, size=1) as keeper:
        of_then = PersonKeys(keeper, Keyring.open(old_ring))
        assert not any(of_then.has_key(identity) for identity in identities[GONE])
    today = Keyring.open(settings.keyring_file)
    for identity, epoch, wrapped in backed_up:
        with pytest.raises(KeyringLost):
            today.unwrap(epoch, wrapped, identity.bytes)
    again = planting.told_by_shop(GONE)[1] | {"messageId": "again"}
    refused: Any = with_scopes("ingest").post("/v1/identify", json=again).json()
    assert refused["results"][0]["reason"] == "forgotten", refused
    assert opened(services, identities[GONE]) == {}
