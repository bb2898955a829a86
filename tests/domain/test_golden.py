"""Whatever was ever stored can be read: one golden sample of each version of each fact."""

import importlib
import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import pytest

import domain
from domain.campaign.events import Arm, CampaignLaunched, RecipientAssigned
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.shared.events import FACTS, Event, decode
from domain.shared.personal import ERASED
from tests.domain.samples import (
    EXAMPLES,
    FOLDER,
    FixedKeys,
    Sample,
    file_of,
    plain_words,
    read,
    says,
)

NOUNS: Final = sorted(p.parent.name for p in Path(domain.__path__[0]).glob("*/events.py"))
MODULES: Final = {n: importlib.import_module(f"domain.{n}.events") for n in NOUNS if n != "shared"}
SAMPLES: Final = sorted(FOLDER.glob("*.json"))
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAST: Final = re.compile(r"(^|-)([a-z]+ed|sent|paid|known|begun|told|found|withdrawn)(-|$)")

each_fact = pytest.mark.parametrize("name", sorted(FACTS))
each_sample = pytest.mark.parametrize(
    "sample", [read(p) for p in SAMPLES], ids=[p.stem for p in SAMPLES]
)


def body_of(sample: Sample) -> bytes:
    return msgspec.json.format(bytes(sample.body), indent=-1)


@each_fact
def test_every_version_of_every_fact_has_a_sample(name: str) -> None:
    for version in range(1, FACTS[name].version + 1):
        assert file_of(name, version).exists(), "add it: python -m tests.domain.samples"


@each_sample
def test_what_was_stored_says_what_it_said(sample: Sample) -> None:
    event = decode(
        sample.type,
        sample.version,
        body_of(sample),
        sample.stream,
        sample.origin,
        FixedKeys(),
    )
    assert says(event) == sample.says


@each_sample
def test_the_present_version_is_stored_in_the_same_words(sample: Sample) -> None:
    stored = FACTS[sample.type]
    if sample.version == stored.version:
        event = stored.decode(
            body_of(sample), sample.version, sample.stream, sample.origin, FixedKeys()
        )
        assert stored.encode(event, sample.stream, sample.origin, FixedKeys()) == body_of(sample)


def sealed_in(sample: Sample) -> Iterator[str]:
    """Yield the personal fields that are sealed: an older version may say one in the clear."""
    body = msgspec.json.decode(body_of(sample))
    for field in FACTS[sample.type].personal:
        if field not in body or (isinstance(body[field], dict) and "sealed" in body[field]):
            yield field


@each_sample
def test_without_the_key_what_is_personal_is_erased(sample: Sample) -> None:
    event = decode(sample.type, sample.version, body_of(sample), sample.stream, sample.origin, None)
    for field in sealed_in(sample):
        assert getattr(event, field) in ((None,) if field not in sample.says else (ERASED,))


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda e: e.stored.name)
def test_what_is_personal_never_stands_in_a_body(event: Event) -> None:
    stored = event.stored
    words = plain_words(bytes(read(file_of(stored.name, stored.version)).body))
    for field in stored.personal:
        if (value := getattr(event, field)) is not None:
            for word in re.findall(rb"[\w@.+]{5,}", msgspec.json.encode(value)):
                assert word not in words


def test_every_event_has_a_stored_name_and_an_example() -> None:
    events = {
        cls
        for module in MODULES.values()
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Event) and cls is not Event and cls.__module__ == module.__name__
    }
    assert events == {stored.cls for stored in FACTS.values()}
    assert {type(e) for e in EXAMPLES} == events


@each_fact
def test_a_stored_name_is_its_noun_and_what_happened(name: str) -> None:
    noun, _, happened = name.partition(".")
    assert FACTS[name].cls.__module__ == f"domain.{noun}.events"
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", happened)
    assert PAST.search(happened), "a fact is told in the past tense"


@each_fact
def test_a_class_is_named_in_the_past_tense_too(name: str) -> None:
    cls = FACTS[name].cls
    assert PAST.search(re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower())
    assert (cls.__doc__ or "").strip()


@each_fact
def test_a_class_may_move_but_its_stored_name_may_not(name: str) -> None:
    assert read(file_of(name, 1)).type == name


@pytest.mark.parametrize(
    "event",
    [
        LifecyclePolicyAdopted(),
        CampaignLaunched(control_share=Decimal(0), seed=1),
        RecipientAssigned(campaign=UUID(int=1), arm=Arm.TREATED, anchor=NOON, seed=1),
    ],
    ids=lambda e: e.stored.name,
)
def test_what_was_fixed_is_written_in_full_so_that_no_default_moves_it(event: Event) -> None:
    body = event.stored.encode(event, UUID(int=2), UUID(int=3), FixedKeys())
    assert msgspec.json.decode(body).keys() == {f.name for f in msgspec.structs.fields(event)}
