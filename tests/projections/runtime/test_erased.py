"""Who was erased is erased in a live view: it holds what a replay without their keys makes."""

from uuid import UUID

import pytest

from domain.customer.events import CustomerErased, NoteAdded, Person, TraitsAsserted
from projections import catalogue
from projections.projection import View
from projections.runtime import schema
from projections.runtime.verify import Verifier
from tests.projections.histories import SLOTS
from tests.projections.runtime.shop import Shop

ADA = Person(name="Ada Lovelace", email="ada@example.com", phone="+44 20 7946 0018")


def erase(shop: Shop, user: str, *visitors: str) -> None:
    identities = (shop.user(user), *map(shop.visitor, visitors))
    shop.sealer.forget(identities)
    shop.say(CustomerErased(erasure=UUID(int=9), identities=identities), user=user)


@pytest.mark.parametrize("name", list(catalogue.VIEWS))
def test_a_view_that_had_read_somebody_holds_what_a_replay_makes_once_they_are_erased(
    shop: Shop, name: str
) -> None:
    view: View = catalogue.VIEWS[name]
    live = shop.live(view)
    shop.email(None, "v@example.com", visitor="v1")
    shop.say(TraitsAsserted(person=ADA, private={"shoe": "38"}), user="ada")
    shop.pay("ada", "o1", 12)
    shop.recognise("v1", "ada")
    shop.say(NoteAdded(note=UUID(int=3), text="Likes mornings"), user="ada")
    shop.email("bob", "bob@example.com")
    shop.email("cyd", "cyd@example.com")
    shop.follow(live)
    erase(shop, "ada", "v1")
    shop.pay("cyd", "o2", 12)
    erase(shop, "cyd")
    shop.follow(live)
    report = Verifier(shop.connection, view, shop.sealer, shop.reader, SLOTS).verify()
    assert report.different == 0, report.differences


def test_masks_and_indexes_of_the_erased_are_gone_and_their_figures_stay(shop: Shop) -> None:
    view = catalogue.VIEWS["profile"]
    live = shop.live(view)
    shop.say(TraitsAsserted(person=ADA), user="ada")
    shop.pay("ada", "o1", 12)
    shop.follow(live)
    erase(shop, "ada")
    shop.follow(live)
    found = schema.active(shop.connection, "profile")
    assert found is not None
    row = shop.connection.execute(
        f"select name_mask, email_mask, phone_mask, email_index, phone_index, person, paid"  # noqa: S608  # a generation's own name
        f" from {found.schema}.profile where customer = %s",
        (shop.user("ada"),),
    ).fetchone()
    assert row is not None
    assert row[:5] == (None,) * 5
    assert row[5] == b""
    assert row[6] == 12


def test_what_the_erased_do_not_share_is_left_as_it_was(shop: Shop) -> None:
    live = shop.live()
    shop.email("ada", "ada@example.com")
    shop.email("bob", "bob@example.com")
    shop.follow(live)
    bob = shop.shown()["tally"][(shop.user("bob"),)]
    erase(shop, "ada")
    shop.follow(live)
    assert shop.shown()["tally"][(shop.user("bob"),)] == bob
    assert repr(shop.shown()["tally"][(shop.user("ada"),)].email) == "<Erased.ERASED: 'erased'>"
