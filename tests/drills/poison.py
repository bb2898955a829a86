"""Facts that cannot be folded, opened or read, and records that are none."""

import re
from contextlib import ExitStack, closing
from itertools import count
from typing import Any
from uuid import UUID

import httpx2

from domain.shared.ids import Ids
from infra.kafka import producer
from infra.keyring import Keyring
from infra.postgres import READER, connect
from infra.settings import Settings
from projections.catalogue import VIEWS
from projections.projection import slot_of
from tests.cli.running import Installation, await_that
from tests.drills.clumsy import WHY
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.looking import head, settle, verify
from tests.drills.stopping import program

_FACT = "select position, body, type_version from log.fact where subject = %s order by position"
_UNSEALED = b'{"person":{"sealed":"AQEAAAAA"},"traits":{}}'
_MENDED = "update log.fact set body = %s, type_version = %s where position = %s"
_BY_KAFKA = 20

Trouble = dict[tuple[str, int], tuple[int, str]]
"""By view and slot: before which fact it stopped, and why."""


def run(ground: Ground, found: Findings) -> None:
    """Poison three slots, look, mend, look again; with Kafka also records of garbage."""
    more = {"HUIKE_LOG_URL": ground.database(ground.postgres())}
    if not ground.short:
        more |= ground.with_kafka(ground.kafka())
    installation = ground.installation(**more)
    if not ground.short:
        assert installation.run("topics").returncode == 0
    with ExitStack() as stack:
        server = stack.enter_context(installation.running("serve"))
        installation.await_ready(server)
        settings = settings_of(installation)
        poisoned = _publish(installation, settings)
        kept = _poison(settings, poisoned)
        if not ground.short:  # not before: Kafka would have the facts as they were
            stack.enter_context(installation.running("work", "relay"))
        with program(installation, "tests.drills.clumsy", str(_last(settings, poisoned["fold"]))):
            _look_at_harm(found, installation, settings, poisoned)
        with closing(connect(settings.log_url or "")) as owner:
            for position, body, version in kept:
                owner.execute(_MENDED, (body, version, position))
        with installation.running("work", "views"):
            settle(settings)
            found.note("mended; the worker was started again")
            await_that(lambda: not _trouble(settings))
            found.same("slots that stand still", _trouble(settings), {})
            verify(found, settings)
            _look_at_log_of_facts(found, settings)
            if not ground.short:
                _garbage(found, installation, settings, stack)


def _publish(installation: Installation, settings: Settings) -> dict[str, UUID]:
    """Tell of customers in every slot; return those to be poisoned, each in a slot of its own."""
    ids = Ids(Keyring.open(settings.keyring_file).secret)
    names = (f"customer-{n}" for n in count())
    chosen: dict[int, str] = {}
    others = [f"other-{n}" for n in range(40)]
    while len(chosen) < len(_HARMS):
        name = next(names)
        chosen.setdefault(slot_of(ids.user("shop", name), settings.slots), name)
    people = [*chosen.values(), *others]
    told = [_identify(name, n) for name in people for n in range(3)]
    with installation.client(installation.key("ingest")) as client:
        client.post("/v1/batch", json={"batch": told}).raise_for_status()
    return {
        harm: ids.user("shop", name) for harm, name in zip(_HARMS, chosen.values(), strict=True)
    }


_HARMS = ("fold", "sealed", "newer")


def _identify(name: str, number: int) -> dict[str, Any]:
    return {
        "type": "identify",
        "userId": name,
        "messageId": f"{name}/{number}",
        "traits": {"plan": "gold", "email": f"{name}.{number}@example.com"},
    }


def _poison(settings: Settings, poisoned: dict[str, UUID]) -> list[tuple[int, bytes, int]]:
    """Spoil the last fact of two customers as only the database's owner can; return what it was."""
    kept = []
    with closing(connect(settings.log_url or "")) as owner:
        for harm, body, version in (("sealed", _UNSEALED, None), ("newer", None, 9)):
            position, old, old_version = owner.execute(_FACT, (poisoned[harm],)).fetchall()[-1]
            kept.append((position, bytes(old), old_version))
            owner.execute(_MENDED, (body or old, version or old_version, position))
    return kept


def _last(settings: Settings, customer: UUID) -> int:
    """Return the position of a customer's last fact."""
    with closing(connect(settings.log_url or "")) as owner:
        position: int = owner.execute(_FACT, (customer,)).fetchall()[-1][0]
        return position


def _trouble(settings: Settings) -> Trouble:
    with closing(connect(settings.log_url or "")) as connection:
        rows = connection.execute(
            "select view, slot, position, why from views.trouble order by view, slot"
        ).fetchall()
    return {(view, slot): (position, why) for view, slot, position, why in rows}


def _places(settings: Settings) -> dict[tuple[str, int], int]:
    with closing(connect(settings.log_url or "", READER)) as connection:
        rows = connection.execute("select view, slot, position from huike.checkpoint").fetchall()
    return {(view, slot): position for view, slot, position in rows}


def _look_at_harm(
    found: Findings, installation: Installation, settings: Settings, poisoned: dict[str, UUID]
) -> None:
    slots = {harm: slot_of(who, settings.slots) for harm, who in poisoned.items()}
    wanted = {("profile", slots["fold"]), ("profile", slots["sealed"])}
    wanted |= {(view, slots["newer"]) for view in VIEWS}
    last = head(settings)

    def others_go_on() -> bool:
        trouble = _trouble(settings)
        places = _places(settings)
        behind = [place for place, position in places.items() if position < last]
        return bool(places) and wanted <= trouble.keys() and set(behind) <= trouble.keys()

    await_that(others_go_on, installation.told)
    trouble = _trouble(settings)
    found.note(f"poisoned slots {sorted(slots.values())} of {settings.slots}")
    strangers = sorted(set(trouble) - {(view, slot) for view in VIEWS for slot in slots.values()})
    found.same("slots that stopped, and are not poisoned", strangers, [])
    found.claim(
        "the others have everything",
        held=all(p == last for place, p in _places(settings).items() if place not in trouble),
        found=f"{len(_places(settings)) - len(trouble)} slots of views are at {last}",
    )
    found.claim(
        "why is written down",
        held=WHY in trouble["profile", slots["fold"]][1],
        found=[why for _, why in trouble.values()][:3],
    )
    doctor = installation.run("doctor")
    lines = [
        f"view {view}, slot {slot}: stopped before fact {position:,}"
        for (view, slot), (position, _) in trouble.items()
    ]
    printed = re.sub(r"\s+", " ", doctor.stdout)
    found.same("`doctor` exits with", doctor.returncode, 1)
    found.same(
        "stops that `doctor` does not name", [line for line in lines if line not in printed], []
    )
    metrics = httpx2.get(
        f"{installation.url}/metrics",
        headers={"Authorization": f"Bearer {installation.key('metrics')}"},
    ).text
    counted = re.findall(r"^huike_stopped_slots\{.*\} (\S+)$", metrics, re.MULTILINE)
    found.same("slots that stand still by `/metrics`", sum(map(float, counted)), len(trouble))
    found.claim("the log says `view.stopped`", held="view.stopped" in installation.told())


def _look_at_log_of_facts(found: Findings, settings: Settings) -> None:
    with closing(connect(settings.log_url or "")) as connection:
        rows = connection.execute("select count(*) from log.original").fetchone()
    found.same("messages in the log", rows, (3 * (40 + len(_HARMS)),))


def _garbage(
    found: Findings, installation: Installation, settings: Settings, stack: ExitStack
) -> None:
    """Send records that are nothing to both topics, and among them events that are."""
    stack.enter_context(installation.running("work", "shop"))
    good = {f"good-{n}" for n in range(_BY_KAFKA)}
    with closing(producer(settings)) as shop:
        for n, name in enumerate(sorted(good)):
            event = f'{{"type":"track","event":"Seen","userId":"u{n}","messageId":"{name}"}}'
            shop.send(settings.kafka_topic_in, b"\xff\x00 garbage", headers=_SITE)
            shop.send(settings.kafka_topic_in, event.encode(), headers=_SITE)
            shop.send(settings.kafka_topic_facts, b"garbage", partition=n % settings.slots)
        shop.flush(timeout=30)
    with closing(connect(settings.log_url or "")) as connection:

        def kept() -> tuple[int, int]:
            row = connection.execute(
                "select (select count(*) from log.refused), count(*) from log.original"
            ).fetchone()
            return row or (0, 0)

        await_that(lambda: kept()[0] >= _BY_KAFKA, installation.told)
        found.same("records of garbage that are kept as refused", kept()[0], _BY_KAFKA)
        await_that(lambda: kept()[1] >= 3 * (40 + len(_HARMS)) + _BY_KAFKA, installation.told)
    settle(settings)
    verify(found, settings)


_SITE = [("huike-source", b"site")]

POISON_DRILL = Drill(
    name="poison",
    must_hold="A fact that cannot be folded, opened or read stops its slot and no other, which "
    "`doctor`, `/metrics` and the log tell; mended, it goes on from there; garbage is kept.",
    run=run,
)
