"""A visitor who is to be forgotten may turn out to be a customer, who did not ask for it."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from consumers.erasure.checking import verify
from domain.activity.events import Tracked
from domain.customer.events import Person
from infra.settings import Settings
from projections import catalogue
from projections.runtime.verify import Verifier
from tests.consumers.erasure.asked import Privacy
from tests.consumers.following import eventually
from tests.projections.histories import SLOTS

SEEN = Person(email="visitor@example.com")

pytestmark = pytest.mark.slow


def waits_for(desk: Privacy, erasure: UUID, *reasons: str) -> bool:
    desk.carry_out()
    return tuple(desk.stands(erasure).waits_for) == reasons


def differing(desk: Privacy) -> dict[str, int]:
    """Verify every view; return what differs."""
    shop = desk.shop
    found = {}
    for view in catalogue.VIEWS.values():
        verified = Verifier(shop.connection, view, shop.sealer, shop.reader, SLOTS).verify()
        found[view.name] = verified.different
    return {view: different for view, different in found.items() if different}


def test_what_was_asked_for_a_visitor_does_not_reach_the_customer(desk: Privacy) -> None:
    ada = desk.know("ada")
    visitor = desk.meet()
    desk.hold(visitor)
    asked = desk.request(visitor)
    eventually(lambda: waits_for(desk, asked, "legal-hold"), "the hold")
    desk.shop.recognise("v1", "ada")
    desk.lift(ada)
    eventually(lambda: waits_for(desk, asked, "recognised"), "who it turned out to be")
    assert desk.shop.sealer.has_key(ada)
    assert desk.shop.sealer.has_key(visitor)
    desk.cancel(ada)
    again = desk.certified(desk.request(ada))
    assert desk.stands(asked).state == "cancelled"
    assert again.erasure != asked
    assert not desk.shop.sealer.has_key(ada)
    assert not desk.shop.sealer.has_key(visitor)
    assert differing(desk) == {}


def test_a_hold_on_a_visitor_holds_the_customer_until_it_is_lifted(desk: Privacy) -> None:
    ada = desk.know("ada")
    visitor = desk.meet()
    desk.hold(visitor)
    desk.shop.recognise("v1", "ada")
    asked = desk.request(ada)
    eventually(lambda: waits_for(desk, asked, "legal-hold"), "the hold")
    desk.lift(ada)
    desk.certified(asked)
    assert not desk.shop.sealer.has_key(ada)


def test_of_two_requests_that_became_one_customers_one_is_done_and_none_is_left(
    desk: Privacy,
) -> None:
    ada = desk.know("ada")
    visitor = desk.meet()
    desk.hold(ada)
    desk.hold(visitor)
    theirs, hers = desk.request(visitor), desk.request(ada)
    desk.shop.recognise("v1", "ada")
    eventually(lambda: waits_for(desk, theirs, "recognised"), "who it turned out to be")
    desk.lift(ada)
    desk.certified(hers)
    assert desk.stands(theirs).state == "cancelled"
    assert differing(desk) == {}


def test_a_forgotten_visitor_who_is_recognised_forgets_nobody_else(desk: Privacy) -> None:
    ada, visitor = desk.shop.user("ada"), desk.meet()
    desk.certified(desk.request(visitor))
    desk.shop.recognise("v1", "ada")
    desk.shop.tag("ada", "vip")
    desk.know("ada")
    assert desk.shop.reader.customer_of(visitor) == visitor
    assert desk.shop.sealer.has_key(ada)
    hers = desk.certified(desk.request(ada))
    assert hers.customer == ada
    assert not desk.shop.sealer.has_key(ada)
    assert differing(desk) == {}


def test_that_somebody_turned_out_to_be_them_contradicts_the_certificate(
    desk: Privacy, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visitor = desk.meet()
    done = desk.certified(desk.request(visitor))
    assert done.certificate is not None
    file = tmp_path / "certificate.json"
    file.write_bytes(done.certificate)
    assert verify(settings, file) == 0
    joined = (visitor, desk.know("ada"), desk.shop.reader.last())
    desk.log.execute("insert into log.membership values (%s, %s, %s)", joined)
    assert verify(settings, file) == 1
    told = capsys.readouterr().out
    assert "✗ identities: 1 of 1 turned out to be somebody else since" in told


def test_a_guest_of_whom_nobody_knows_a_name_is_forgotten_too(desk: Privacy) -> None:
    told = Tracked(name="Survey Answered", private={"email": SEEN.email}, content=b"once")
    desk.shop.say(told, visitor="guest", stream=uuid4())
    guest = desk.shop.visitor("guest")
    desk.certified(desk.request(guest))
    assert not desk.shop.sealer.has_key(guest)
    assert differing(desk) == {}
