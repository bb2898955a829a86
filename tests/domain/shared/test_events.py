"""Events are stored under names and versions that last, personal fields sealed."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.customer.events import CustomerRegistered, NoteAdded, Person, TraitsAsserted
from domain.shared.events import Event, Stored, UnknownFact, decode, fact
from domain.shared.personal import ERASED, Personal, Sealed
from tests.domain.samples import ORIGIN, STREAM, FixedKeys

KEYS = FixedKeys()


class Agreed(Event, frozen=True, kw_only=True):
    """Somebody agreed; in version 2 also to what, and `name` became `person`."""

    channel: str
    wording: str
    person: Personal[str | None] = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["wording"] = "unrecorded"
        state["person"] = state.pop("name", None)


STORED = Stored(Agreed, "test.agreed", 2)


def sealed(plain: Any, field: str) -> Sealed:
    context = STREAM.bytes + f"|test.agreed|{field}".encode()
    return Sealed(KEYS.seal(ORIGIN, msgspec.json.encode(plain), context))


def test_an_older_version_is_read_as_the_present_one() -> None:
    body = msgspec.json.encode({"channel": "email"})
    assert STORED.decode(body, 1, STREAM, ORIGIN, KEYS) == Agreed(
        channel="email", wording="unrecorded"
    )


def test_what_is_sealed_is_opened_by_its_old_name_before_it_is_renamed() -> None:
    body = msgspec.json.encode({"channel": "email", "name": sealed("Ada", "name")})
    assert STORED.decode(body, 1, STREAM, ORIGIN, KEYS) == Agreed(
        channel="email", wording="unrecorded", person="Ada"
    )


def test_without_the_key_an_older_version_is_erased_too() -> None:
    body = msgspec.json.encode({"channel": "email", "name": sealed("Ada", "name")})
    assert STORED.decode(body, 1, STREAM, ORIGIN, None) == Agreed(
        channel="email", wording="unrecorded", person=ERASED
    )


def test_a_newer_version_is_not_guessed_at() -> None:
    with pytest.raises(UnknownFact, match=r"test\.agreed v3"):
        STORED.decode(b"{}", 3, STREAM, ORIGIN, KEYS)


def test_an_unknown_name_is_not_guessed_at() -> None:
    with pytest.raises(UnknownFact, match=r"customer\.invented"):
        decode("customer.invented", 1, b"{}", STREAM, ORIGIN, KEYS)


def test_a_stored_name_is_given_once() -> None:
    with pytest.raises(ValueError, match=r"customer\.registered"):
        fact("customer.registered")(Agreed)


def test_a_sealed_value_is_bound_to_its_stream_and_field() -> None:
    note = NoteAdded(note=STREAM, text="Likes mornings")
    body = note.stored.encode(note, STREAM, ORIGIN, KEYS)
    assert b"mornings" not in body
    elsewhere = UUID(int=9)
    with pytest.raises(UnknownFact, match="a sealed field does not open"):
        note.stored.decode(body, 1, elsewhere, ORIGIN, KEYS)  # it does not pass for erased
    assert note.stored.decode(body, 1, STREAM, ORIGIN, KEYS) == note


def test_what_is_personal_must_be_somebodys() -> None:
    note = NoteAdded(note=STREAM, text="Likes mornings")
    with pytest.raises(ValueError, match=r"customer\.note-added\.text is personal"):
        note.stored.encode(note, STREAM, None, KEYS)


def test_what_was_not_said_is_not_sealed() -> None:
    said = TraitsAsserted(traits={"plan": "gold"})
    assert said.stored.encode(said, STREAM, None, KEYS) == b'{"traits":{"plan":"gold"}}'
    assert CustomerRegistered().stored.encode(CustomerRegistered(), STREAM, None, KEYS) == b"{}"


def test_a_person_is_sealed_whole() -> None:
    said = TraitsAsserted(person=Person(name="Ada", email="ada@example.com"))
    body = said.stored.encode(said, STREAM, ORIGIN, KEYS)
    assert body.startswith(b'{"person":{"sealed":"')
    assert said.stored.decode(body, 1, STREAM, ORIGIN, KEYS) == said
