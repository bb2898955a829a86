"""What belongs to another shop is not found by a command, unless an admin asks."""

import pytest

from commands.campaign import DraftCampaign, EndCampaign
from commands.customer import AddNote, AddTag, RegisterCustomer
from commands.order import CancelOrder
from commands.ticket import AddTicketMessage, OpenTicket
from commands.work import Command
from domain.shared.channel import Channel
from domain.shared.refusals import NotFound
from domain.ticket.events import Author, TicketKind
from tests.commands.desk import ADA, IDS, ORDER, Ask, Facts, id_of, pay, place

SPRING = IDS.campaign("shop", "spring")
TICKET = IDS.ticket("shop", "T-1")
about_ada = OpenTicket(
    number="T-1", customer=ADA, kind=TicketKind.INQUIRY, channel=Channel.EMAIL, about="tea"
)


@pytest.fixture
def shop(ask: Ask) -> None:
    """Have a shop with a customer, an order, a ticket and a campaign."""
    ask(RegisterCustomer(customer=ADA))
    ask(place)
    ask(about_ada)
    ask(DraftCampaign(code="spring", name="Spring", channel=Channel.EMAIL))


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("command", "what"),
    [
        (AddTag(customer=ADA, tag="vip"), f"customer {ADA}"),
        (RegisterCustomer(customer=ADA), None),
        (pay, f"order {ORDER}"),
        (CancelOrder(order=ORDER, reason="no"), f"order {ORDER}"),
        (AddTicketMessage(ticket=TICKET, author=Author.AGENT, text="hi"), f"ticket {TICKET}"),
        (about_ada, f"customer {ADA}"),
        (EndCampaign(campaign=SPRING), f"campaign {SPRING}"),
    ],
)
def test_another_shop_finds_nothing(
    ask: Ask, facts: Facts, command: Command, what: str | None
) -> None:
    before = len(facts())
    with pytest.raises(NotFound, match=what and f"There is no {what}"):
        ask(command, shop="other")
    assert len(facts()) == before


@pytest.mark.usefixtures("shop")
def test_an_admin_may_and_it_is_recorded_as_the_things_own_shops(ask: Ask, facts: Facts) -> None:
    ask(pay, shop="other", anywhere=True)
    ask(AddNote(customer=ADA, text="Likes mornings"), shop="other", anywhere=True)
    assert [f.shop for f in facts()] == ["shop"] * len(facts())
    before = len(facts())
    ask(about_ada, shop="other", anywhere=True)  # the same ticket, not another
    ask(AddNote(customer=ADA, text="Likes mornings"))  # the same note, not another
    assert len(facts()) == before


@pytest.mark.usefixtures("shop")
def test_what_each_shop_calls_the_same_is_not_the_same(ask: Ask, facts: Facts) -> None:
    other = id_of(ask(place, shop="other"))
    assert other == IDS.order("other", "A-1") != ORDER
    assert [f.shop for f in facts() if f.stream == other] == ["other"]
