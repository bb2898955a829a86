"""Many who are forgotten at once: waited and looked for together, each certified alone."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from commands.customer import AddTag
from consumers.erasure import carrying_out
from domain.customer.events import CustomerErased, ErasureBegun, ErasureCertified, Person
from infra import erasures
from infra.erasure_certificate import CertifiedErasure, certificate_of
from infra.erasures import Erasure
from infra.keyring import KeyringLost
from infra.sealing import PersonKeys
from infra.signing import NoSigningKey, file_beside
from tests.consumers.erasure.asked import Privacy
from tests.consumers.following import eventually

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The process ended here."""


def person(name: str) -> Person:
    return Person(email=f"{name}@example.com")


def known(desk: Privacy, *names: str) -> dict[str, UUID]:
    return {name: desk.know(name, person(name)) for name in names}


def all_certified(desk: Privacy, asked: Collection[UUID]) -> dict[UUID, CertifiedErasure]:
    """Go on until each has a certificate; return what they say, by customer."""

    def done() -> bool:
        desk.carry_out()
        return all(desk.stands(one).state == "certified" for one in asked)

    eventually(done, "certificates")
    return {it.customer: paper(it) for it in map(desk.stands, asked)}


def paper(erasure: Erasure) -> CertifiedErasure:
    assert erasure.certificate is not None
    read = certificate_of(erasure.certificate)
    assert read.is_signed
    assert read.digest == erasure.digest
    return read.certified


def counted(monkeypatch: pytest.MonkeyPatch, step: str) -> list[str]:
    """Return a list that grows whenever a step is taken."""
    does = getattr(carrying_out, step)
    taken: list[str] = []

    def stepped(*given: Any, **named: Any) -> Any:
        taken.append(step)
        return does(*given, **named)

    monkeypatch.setattr(carrying_out, step, stepped)
    return taken


def test_each_is_certified_for_what_was_theirs_after_one_wait_and_one_look(
    desk: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = known(desk, "ada", "bob", "cyd", "dan")
    ada, bob, cyd, dan = who.values()
    desk.shop.recognise("v1", "ada")
    desk.ask(AddTag(customer=bob, tag="vip"), idempotency="once")
    desk.ask(AddTag(customer=dan, tag="vip"), idempotency="dans")
    for message in (
        b'{"userId":"ada"}',
        b'{"anonymousId":"v1"}',
        b'{"email":"BOB@example.com"}',
        b'{"batch":[{"userId":"ada"},{"email":"bob@example.com"}]}',
    ):
        desk.refuse(message)
    dans = desk.refuse(b'{"userId":"dan"}')
    asked = [desk.request(one) for one in (ada, bob, cyd)]
    waits = counted(monkeypatch, "sleep")
    looks = counted(monkeypatch, "purge_refused")
    desk.carry_out()
    assert all(desk.stands(one).state != "erasing" for one in asked)
    assert len(waits) == 1
    assert len(looks) <= 2, "one before the keys go, one when views have let go"
    papers = all_certified(desk, asked)

    assert {it: (p.refused, p.answers) for it, p in papers.items()} == {
        ada: (3, 0),
        bob: (2, 1),
        cyd: (0, 0),
    }
    visitor = desk.shop.visitor("v1")
    keys = {it: {key.identity for key in p.keys} for it, p in papers.items()}
    assert keys == {ada: {ada, visitor}, bob: {bob}, cyd: {cyd}}
    for customer, told in papers.items():
        facts = desk.shop.reader.of_origins([*keys[customer]], upto=desk.shop.reader.last())
        before = [fact for fact in facts if not isinstance(fact.event, ErasureCertified)]
        assert (told.facts, told.first) == (len(before), before[0].position)
        assert told.columns["profile.person"] == 1
    assert desk.kept_refused() == {dans}
    assert desk.shop.sealer.has_key(dan)
    assert len(desk.log.execute("select from log.idempotency").fetchall()) == 1


def test_one_that_cannot_go_on_holds_up_nobody_and_goes_on_when_it_can(
    desk: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.know("ada", person("ada"))
    hers = desk.request(ada)

    for at in ("BeginErasure", "marks_of", "forget", "ConfirmErasure", "CertifyErasure"):
        where: Any = PersonKeys if at == "forget" else carrying_out
        step = getattr(where, at)

        def fails(*given: Any, does: Any = step, **named: Any) -> Any:
            about = [*given, *named.values()]
            if any(isinstance(it, list | frozenset) and ada in it for it in [about, *about]):
                raise KeyringLost
            return does(*given, **named)

        another = desk.request(desk.know(at, person(at)))
        with monkeypatch.context() as broken, capture_logs() as logs:
            broken.setattr(where, at, fails)
            desk.certified(another)
            assert desk.stands(hers).state != "certified"
        failures = {(it["erasure"], it["why"]) for it in logs if it["event"] == "erasure.failed"}
        assert failures == {(str(hers), "KeyringLost")}, at
    assert paper(desk.certified(hers)).customer == ada


def test_some_that_are_killed_at_every_step_are_completed_and_each_counts_its_own(
    desk: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = known(desk, "ada", "bob")
    desk.refuse(b'{"userId":"ada"}')
    desk.refuse(b'{"email":"ada@example.com"}')
    desk.refuse(b'{"email":"bob@example.com"}')
    asked = [desk.request(one) for one in who.values()]
    for where, at, which in (
        (carrying_out, "BeginErasure", 2),
        (carrying_out, "marks_of", 2),
        (PersonKeys, "forget_refused", 1),
        (PersonKeys, "forget", 1),
        (PersonKeys, "forget", 2),
        (carrying_out, "ConfirmErasure", 2),
        (carrying_out, "purge_answers", 1),
        (carrying_out, "purge_columns", 1),
        (erasures, "keep_certificate", 2),
        (carrying_out, "CertifyErasure", 1),
    ):
        with monkeypatch.context() as mortal:
            mortal.setattr(where, at, dying(getattr(where, at), which))
            with pytest.raises(Killed):
                all_certified(desk, asked)
    papers = all_certified(desk, asked)
    assert [papers[one].refused for one in who.values()] == [2, 1]
    assert [papers[one].columns["profile.person"] for one in who.values()] == [1, 1]
    for one in who.values():
        told = [fact.event for fact in desk.shop.log.stream(one)]
        assert sum(isinstance(it, ErasureBegun) for it in told) == 1
        assert sum(isinstance(it, CustomerErased) for it in told) == 1
    assert desk.kept_refused() == set()


def dying(does: Callable[..., Any], which: int) -> Callable[..., Any]:
    """Return a step with which the process ends, once it was taken so many times."""
    left = iter(range(which - 1))

    def dies(*given: Any, **named: Any) -> Any:
        done = does(*given, **named)
        if next(left, None) is None:
            raise Killed
        return done

    return dies


def test_while_nothing_can_be_signed_nothing_is_looked_through_for_it(
    desk: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ada,) = known(desk, "ada").values()
    hers = desk.request(ada)
    key = file_beside(desk.settings.keyring_file)
    key.write_text("no key")

    def cannot() -> bool:
        try:
            desk.carry_out()
        except NoSigningKey:
            return True
        return False

    eventually(cannot, "views that let go of her")
    looks = counted(monkeypatch, "purge_refused")
    assert cannot()
    assert (desk.stands(hers).state, looks) == ("erased", [])
    key.unlink()
    assert paper(desk.certified(hers)).customer == ada
