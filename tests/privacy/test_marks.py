"""Who somebody is stands in the clear nowhere, and of the forgotten nothing sealed opens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.privacy import marks, opening, planting
from tests.privacy.ground import BY_HTTP, BY_KAFKA, SERVED, Ground, Kept
from tests.privacy.marks import Person
from tests.privacy.opening import Marked

STAYS = frozenset(range(0, 525, 21))
"""Who stays, so that it shows that what is there opens: some were served, of some Kafka told."""

GONE = frozenset({*BY_HTTP, *BY_KAFKA} - STAYS)
"""Who asks to be forgotten: five hundred."""


@pytest.fixture
def ground(server_folder: Path, run_root: Path, kafka_bootstrap: str) -> Iterator[Ground]:
    if not (run_root / "kafka").is_dir():
        pytest.skip("needs to see the files of the Kafka that HUIKE_TEST_KAFKA names")
    made = Ground(server_folder, run_root / "kafka", kafka_bootstrap)
    yield made
    made.postgres.stop()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_who_somebody_is_stands_in_the_clear_nowhere_and_of_the_forgotten_nothing_opens(
    ground: Ground,
) -> None:
    ground.live()
    nothing_is_in_the_clear(ground)
    nothing_is_said_aloud(ground)
    then = ground.aside()
    before = opened(then)
    all_is_there(before)

    ground.forget(GONE)
    today, restored = ground.kept(), ground.restored()
    nothing_is_in_the_clear(ground)
    nothing_is_said_aloud(ground)
    as_it_is = opened(today)
    stolen = opened(then._replace(keys=today.keys))
    brought_back = opened(restored._replace(facts=then.facts, dead=then.dead))
    for read in (as_it_is, stolen, brought_back):
        assert opening.of(GONE, read) == {}
    for read in (as_it_is, stolen):
        assert opening.of(STAYS, read) == opening.of(STAYS, before)
    told = opening.of(STAYS, before)
    del told["views"]  # none are made of what was restored yet
    assert opening.of(STAYS, brought_back) == told
    assert {"signing", "epoch 2"} <= ground.secrets.keys()
    assert opening.unwrapped(then.url, today.keys.keyring) == 0
    assert opening.answers(then.url, today.url) > len(GONE & {*SERVED})
    assert opening.answers(today.url, today.url) == 0
    assert opening.answers(restored.url, today.url) == 0


def test_a_mark_is_found_however_it_is_written() -> None:
    person = Person(7)
    told = f"{person.email.upper()} {person.phone}".encode()
    assert marks.found_in(told) == {"email": 1, "phone": 1}


def opened(kept: Kept) -> Marked:
    return opening.opened(kept.url, kept.keys, kept.facts, kept.dead)


def all_is_there(read: Marked) -> None:
    """Claim that what is looked for afterwards opens before: of everybody, in each place."""
    some = {"dead letters": {*BY_KAFKA}, "reasons of reads": {*SERVED}}
    for place, persons in read.items():
        assert persons.keys() == some.get(place, {*BY_HTTP, *BY_KAFKA}), place
    fields = {place: {field for by in read[place].values() for field in by} for place in read}
    assert {"name", "email", "phone", "street", "query", "gift"} <= fields["facts"]
    assert {"note", "complaint", "rating", "whyrevealed"} <= fields["facts"]
    assert {"tracking", "whyrefunded", "whycancelled"} <= fields["facts"]
    assert {"link", "whybounced", "whyfailed"} <= fields["facts"]
    assert {"consentsource", "letter", "whyheld", "whylifted"} <= fields["facts"]
    assert {"device", "campaignreader", "location", "network", "nested"} <= fields["facts"]
    assert {"wrongtype", "filter", "barefilter", "sort", "term", "groupname"} <= fields["facts"]
    assert fields["topic of facts"] == fields["facts"]
    assert {"engraving", "pageurl", "unknown", "integrations"} <= fields["messages as sent"]
    assert {"refused", "nobody", "garbage"} <= fields["refused"]
    assert {"refused", "nobody", "garbage"} <= fields["dead letters"]
    assert {"email", "phone", "name", "note", "complaint"} <= fields["views"]


def nothing_is_in_the_clear(ground: Ground) -> None:
    """Claim that no mark stands in any byte that is kept, and that the bytes are looked at."""
    postgres, here = ground.postgres, ground.installation
    topics = [*ground.topics(ground.facts, ground.dead)]
    for kept in (postgres.directory, ground.backup, *topics):
        assert any(files_of(kept)), kept
    assert is_kept(planting.PLAIN, postgres.directory)
    assert any(is_kept(planting.PLAIN, topic) for topic in topics)
    assert is_kept('"message": "request"', here.folder)
    assert {
        "files of the database": marks.found_in_files(postgres.directory),
        "rows": marks.found_in_tables(ground.url),
        "topics": [found for topic in topics if (found := marks.found_in_files(topic))],
        "home": marks.found_in_files(here.home),
        "backup": marks.found_in_files(ground.backup),
    } == {
        "files of the database": {},
        "rows": {},
        "topics": [],
        "home": {},
        "backup": {},
    }


def nothing_is_said_aloud(ground: Ground) -> None:
    """Claim that nothing personal or secret is in logs, metrics, what commands print, refusals."""
    assert sum(not answer.is_success for answer in ground.answers) > 10
    said = ground.said()
    assert b"huike_" in said["metrics"]
    assert {place: {*marks.found_in(told)} for place, told in said.items()} == {
        "logs": set(),
        "commands": set(),
        "metrics": set(),
        "refusals": {"member", "parameter"},  # names of fields, and nothing else that was sent
    }
    assert {"key", "password", "secret", "epoch 1", "backup"} <= ground.secrets.keys()
    for place, told in said.items():
        assert told
        aloud = [name for name, ways in ground.secrets.items() if any(way in told for way in ways)]
        assert aloud == [], place


def files_of(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def is_kept(word: str, folder: Path) -> bool:
    return any(word.encode() in content_of(file) for file in files_of(folder))


def content_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:  # it was removed meanwhile
        return b""
