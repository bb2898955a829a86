"""A root is made of its events, one after the other, and decides the next."""

from uuid import uuid4

import pytest
from eventsourcing.application import project_aggregate
from eventsourcing.domain import (
    CanMutateProtocol,
    CollectEventsProtocol,
    DomainEventProtocol,
    OriginatorIDError,
    OriginatorVersionError,
)

from commands.application import NOUNS
from domain.customer.aggregate import Customer
from domain.customer.events import CustomerRegistered, TagAdded
from domain.shared.aggregate import Decided, root_of
from domain.shared.events import FACTS, UnknownFact
from tests.scenario import ID

assert NOUNS  # every root is imported

registered = Decided(ID, 1, CustomerRegistered())
tagged = Decided(ID, 2, TagAdded(tag="vip"))


def test_the_library_takes_our_events_and_roots_for_its_own() -> None:
    assert isinstance(registered, DomainEventProtocol)
    assert isinstance(registered, CanMutateProtocol)
    assert isinstance(Customer(ID), CollectEventsProtocol)


def test_the_librarys_projector_makes_a_root_of_its_events() -> None:
    root: Customer | None = project_aggregate(None, [registered, tagged])
    assert isinstance(root, Customer)
    assert (root.id, root.version, root.tags) == (ID, 2, {"vip"})
    assert root.collect_events() == []


def test_without_events_there_is_no_root() -> None:
    assert project_aggregate(None, []) is None


def test_another_roots_event_is_not_taken() -> None:
    with pytest.raises(OriginatorIDError):
        registered.mutate(Customer(uuid4()))


@pytest.mark.parametrize("version", [0, 1, 3])
def test_an_event_is_taken_in_its_turn_alone(version: int) -> None:
    customer = Customer.after(ID, [CustomerRegistered()])
    with pytest.raises(OriginatorVersionError):
        Decided(ID, version, TagAdded(tag="vip")).mutate(customer)
    assert (customer.version, customer.tags) == (1, set())


@pytest.mark.parametrize("name", [n for n in FACTS if n.partition(".")[0] != "activity"])
def test_every_fact_but_behaviour_is_told_of_one_kind_of_root(name: str) -> None:
    noun = "message" if name == "campaign.recipient-assigned" else name.partition(".")[0]
    assert root_of(name).__module__ == f"domain.{noun}.aggregate"


def test_nobody_decides_on_behaviour() -> None:
    with pytest.raises(UnknownFact, match=r"activity\.page-viewed"):
        root_of("activity.page-viewed")
