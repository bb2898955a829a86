"""An auditor's package proves its facts by itself, and nothing that was altered in it."""

import json
import shutil
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from consumers.choosing import Asked
from consumers.package import check_package, package
from consumers.seals import seal_head
from domain.shared.ids import Ids
from infra import evidence
from infra.access_log import Access, AccessLog
from infra.evidence import (
    ACTORS,
    FACTS,
    MANIFEST,
    READS,
    SEALS,
    SIGNATURE,
    AlteredFile,
    AlteredManifest,
    BadPackage,
    Manifest,
    NotAPackage,
    OtherFiles,
    OtherSeal,
    OtherSigner,
    TooLarge,
    UnknownActor,
    Unproven,
    check,
    write,
)
from infra.keyring import Keyring
from infra.postgres import KEEPER, WRITER, connect, pool
from infra.sealing import PersonKeys
from infra.seals import BadSeal
from infra.settings import Settings
from infra.signing import Signer
from projections.runtime import schema
from tests.infra.event_store import kept
from tests.infra.event_store.writing import IDS
from tests.projections.runtime.shop import Shop

pytestmark = pytest.mark.slow

_DESK = """
insert into log.api_key (id, name, prefix, hash, roles, scopes, shop, source, expires_at)
values ('{id}', 'front desk', 'hk_begins', 'digested', '{{agent}}', '{{}}', 'acme', 'site',
        '2026-03-01 00:00+00')
"""

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Six customers of three facts each, sealed after two, four, and not since."""
    settings = Settings(log_url=database_url, keyring=tmp_path / "keyring.json")
    with connect(database_url) as admin:
        schema.install(admin)
    with kept.writer(database_url, settings.keyring_file) as log:
        for begin in (1, 3):
            kept.fill(log, 2, begin=begin)
            assert seal_head(settings, tmp_path / "seals.jsonl", None) == 0
        kept.fill(log, 2, begin=5)
    return settings


@pytest.fixture
def public(settings: Settings, tmp_path: Path) -> Path:
    file = tmp_path / "public.pem"
    file.write_text(Signer.beside(settings.keyring_file).public_pem)
    return file


def about(n: int) -> Asked:
    return Asked(shop="shop", customer=str(IDS.user("shop", str(n))))


def made(settings: Settings, asked: Asked, tmp_path: Path) -> Path:
    file = tmp_path / "package.zip"
    assert package(settings, asked, file) == 0
    return file


def facts(file: Path) -> list[dict[str, object]]:
    with zipfile.ZipFile(file) as archive:
        return [json.loads(line) for line in archive.read(FACTS).splitlines()]


@pytest.mark.parametrize("n", range(1, 7))
def test_it_has_a_customers_facts_each_proven(
    settings: Settings, public: Path, tmp_path: Path, n: int
) -> None:
    file = made(settings, about(n), tmp_path)
    assert [fact["position"] for fact in facts(file)] == [3 * n - 2, 3 * n - 1, 3 * n]
    assert {fact["seal"] for fact in facts(file)} == {6 * ((n + 1) // 2)}
    assert check_package(file, [public], None) == 0


def test_it_is_checked_without_a_database_or_a_key_of_ours(
    settings: Settings, tmp_path: Path, capsys: Capture
) -> None:
    file = made(settings, about(2), tmp_path)
    alone = tmp_path / "alone" / "package.zip"
    alone.parent.mkdir()
    shutil.move(file, alone)
    settings.keyring_file.unlink()
    capsys.readouterr()
    assert check_package(alone, [], None) == 0
    told = capsys.readouterr().out
    assert "3 facts about shop shop, customer" in told
    assert "ask whose it is" in told


def test_seals_that_were_received_before_prove_it_against_its_maker(
    settings: Settings, public: Path, tmp_path: Path, capsys: Capture
) -> None:
    file = made(settings, about(2), tmp_path)
    capsys.readouterr()
    assert check_package(file, [public], tmp_path / "seals.jsonl") == 0
    assert f"3 of them by seals that stand in {tmp_path / 'seals.jsonl'}" in capsys.readouterr().out


def test_what_other_seals_prove_is_said_and_the_next_sealing_brings_them(
    settings: Settings, public: Path, tmp_path: Path, capsys: Capture
) -> None:
    file = made(settings, about(6), tmp_path)
    with kept.writer(str(settings.log_url), settings.keyring_file) as log:
        kept.fill(log, 1, begin=7)
    seals = tmp_path / "seals.jsonl"
    assert check_package(file, [public], seals) == 0
    told = capsys.readouterr().out
    assert f"0 of them by seals that stand in {seals}." in told
    assert "3 of them by seals that do not stand there, at 18" in told
    assert seal_head(settings, seals, None) == 0
    capsys.readouterr()
    assert check_package(file, [public], seals) == 0
    told = capsys.readouterr().out
    assert f"3 of them by seals that stand in {seals}." in told
    assert "do not stand" not in told


def test_nobody_elses_facts_are_in_it(settings: Settings, tmp_path: Path) -> None:
    file = made(settings, about(2), tmp_path)
    with zipfile.ZipFile(file) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
    with connect(str(settings.log_url), WRITER) as connection:
        others = connection.execute(
            "select distinct origin, actor_id from log.fact where position not between 4 and 6"
        ).fetchall()
    assert len(others) == 5
    for origin, actor in others:
        assert str(origin).encode() not in whole
        assert actor.encode() not in whole


def read(
    settings: Settings,
    *reads: tuple[UUID, ...] | None,
    by: str = "desk",
    at: datetime | None = None,
) -> None:
    """Have somebody read these people's data, each by a read of its own."""
    with ExitStack() as stack:
        keeper = stack.enter_context(pool(str(settings.log_url), KEEPER))
        writer = stack.enter_context(pool(str(settings.log_url), WRITER))
        log = AccessLog(writer, PersonKeys(keeper, Keyring.open(settings.keyring_file)))
        stack.callback(log.close)
        for whom in reads:
            log.write(
                Access(
                    at=at or datetime.now(UTC),
                    actor_kind="key",
                    actor_id=by,
                    whom=whom,
                    operation="customer",
                    basis="serves",
                    request="r-1",
                    shop="shop",
                    conditions={"email": "ada@example.com"},
                    reason="she called, ada@example.com",
                )
            )


def lines(file: Path, name: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(file) as archive:
        return [json.loads(line) for line in archive.read(name).splitlines()]


def test_it_says_who_read_the_customers_data_and_nothing_that_says_who_that_is(
    settings: Settings, tmp_path: Path
) -> None:
    ada, bob = (IDS.user("shop", str(n)) for n in (2, 3))
    read(settings, (ada,), (bob,), (ada, bob))
    file = made(settings, about(2), tmp_path)
    reads = lines(file, READS)
    with zipfile.ZipFile(file) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
    assert [read["whom"] for read in reads] == [[str(ada)], [str(ada)]]
    assert {read["actor_id"] for read in reads} == {"desk"}
    assert b"ada@example.com" not in whole
    assert str(bob).encode() not in whole


def test_of_a_period_all_reads_between_its_ends_are_in_it(
    settings: Settings, tmp_path: Path
) -> None:
    ada, bob = (IDS.user("shop", str(n)) for n in (2, 3))
    long_ago = datetime(2020, 1, 15, tzinfo=UTC)
    read(settings, (ada,), (bob,), None)
    read(settings, (ada,), at=long_ago)
    since = datetime.now(UTC) - timedelta(days=1)
    file = made(settings, Asked(shop="shop", since=since), tmp_path)
    assert [one["whom"] for one in lines(file, READS)] == [None, [str(bob)], [str(ada)]]
    with zipfile.ZipFile(file) as archive:
        assert b"ada@example.com" not in b"".join(map(archive.read, archive.namelist()))


def test_of_an_order_the_reads_of_its_customer_are_in_it(
    settings: Settings, public: Path, tmp_path: Path
) -> None:
    """Any stream does for an order: here that of a customer's own."""
    ada, bob = (IDS.user("shop", str(n)) for n in (2, 3))
    read(settings, (ada, bob), (bob,))
    file = made(settings, Asked(shop="shop", order=str(ada)), tmp_path)
    assert [one["whom"] for one in lines(file, READS)] == [[str(ada)]]
    assert check_package(file, [public], None) == 0


def test_everybody_in_it_is_named_and_no_secret_is(
    settings: Settings, public: Path, tmp_path: Path
) -> None:
    desk = uuid4()
    kept.tamper(str(settings.log_url), _DESK.format(id=desk))
    read(settings, (IDS.user("shop", "2"),), by=str(desk))
    file = made(settings, about(2), tmp_path)
    actors = lines(file, ACTORS)
    assert [(one["kind"], one["name"]) for one in actors] == [
        ("key", "front desk"),
        ("process", None),
    ]
    key = actors[0]
    assert (key["id"], key["roles"], key["shop"]) == (str(desk), ["agent"], "acme")
    assert (key["expires_at"], key["revoked_at"]) == ("2026-03-01T00:00:00Z", None)
    with zipfile.ZipFile(file) as archive:
        page = archive.read("index.html").decode()
        whole = b"".join(map(archive.read, archive.namelist()))
    assert page.count("front desk") == 2
    assert b"hk_begins" not in whole
    assert b"digested" not in whole
    assert check_package(file, [public], None) == 0


def test_a_package_that_does_not_name_everybody_is_refused(
    settings: Settings, tmp_path: Path
) -> None:
    file = made(settings, about(2), tmp_path)
    fewer = signed_anew(file, signer_of(settings), lambda files: files.update({ACTORS: b""}))
    with pytest.raises(UnknownActor):
        check(fewer, [])


def test_a_package_from_before_actors_were_named_is_still_checked(
    settings: Settings, tmp_path: Path
) -> None:
    file = made(settings, about(2), tmp_path)
    before = signed_anew(file, signer_of(settings), lambda files: files.pop(ACTORS))
    assert check(before, []).manifest.facts == 3


def test_a_period_is_asked_for_by_when_it_was_recorded(settings: Settings, tmp_path: Path) -> None:
    with connect(str(settings.log_url), WRITER) as connection:
        row = connection.execute("select recorded_at from log.batch where position = 9").fetchone()
    assert row is not None
    since, until = row[0], row[0] + timedelta(microseconds=1)
    file = made(settings, Asked(shop="shop", since=since, until=until), tmp_path)
    assert [fact["position"] for fact in facts(file)] == [7, 8, 9]


def test_what_is_about_nothing_is_not_made(
    settings: Settings, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "all.zip"
    assert package(settings, Asked(shop="shop"), file) == 2
    assert capsys.readouterr().err.startswith("Say what it is about")
    assert not file.exists()


def test_several_that_are_named_are_all_in_it(settings: Settings, tmp_path: Path) -> None:
    both = Asked(
        shop="shop",
        customer=str(IDS.user("shop", "2")),
        order=str(IDS.user("shop", "4")),  # any stream does: of two facts
    )
    file = made(settings, both, tmp_path)
    assert [fact["position"] for fact in facts(file)] == [4, 5, 6, 11, 12]


def test_its_page_explains_itself_in_both_languages(settings: Settings, tmp_path: Path) -> None:
    with zipfile.ZipFile(made(settings, about(2), tmp_path)) as archive:
        page = archive.read("index.html").decode()
    assert "What is proven" in page
    assert "能证明什么" in page
    assert "customer.tag-added v1" in page
    assert "process w2:2" in page
    for outside in ("http://", "https://", "src=", "@import", "<script"):
        assert outside not in page


def test_what_unpacks_to_more_than_a_package_holds_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "LARGEST", 1_000)
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, b" " * 1_001)
    with pytest.raises(TooLarge):
        check(file, set(), [])


def test_what_the_log_does_not_have_makes_no_package(
    settings: Settings, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "none.zip"
    assert package(settings, Asked(shop="shop", order="none"), file) == 1
    assert "nothing of the kind" in capsys.readouterr().err
    assert not file.exists()


def test_a_log_that_was_rewritten_makes_no_package(settings: Settings, tmp_path: Path) -> None:
    kept.tamper(str(settings.log_url), "update log.fact set body = '{}' where position = 5")
    kept.tamper(str(settings.log_url), "delete from log.seal where position = 12")
    assert package(settings, about(2), tmp_path / "none.zip") == 1


def test_another_file_is_never_replaced(settings: Settings, tmp_path: Path) -> None:
    file = made(settings, about(2), tmp_path)
    before = file.read_bytes()
    assert package(settings, about(3), file) == 2
    assert file.read_bytes() == before


# ---- what was altered


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    other = file.with_name("other.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return other


ALTERED: dict[str, tuple[Callable[[dict[str, bytes]], object], type[BadPackage]]] = {
    "a fact": (lambda f: f.update({FACTS: f[FACTS].replace(b"w2:2", b"w9:9")}), AlteredFile),
    "a fact left out": (lambda f: f.update({FACTS: f[FACTS].split(b"\n", 1)[1]}), AlteredFile),
    "the page": (lambda f: f.update({"index.html": b"<p>All is well."}), AlteredFile),
    "the seals": (lambda f: f.update({SEALS: b""}), AlteredFile),
    "the actors": (lambda f: f.update({ACTORS: f[ACTORS] + b"{}"}), AlteredFile),
    "the reads": (lambda f: f.update({"access.jsonl": b"{}"}), AlteredFile),
    "the manifest": (
        lambda f: f.update({MANIFEST: f[MANIFEST].replace(b'"facts": 3', b'"facts": 2')}),
        AlteredManifest,
    ),
    "the signature": (lambda f: f.update({SIGNATURE: f[SIGNATURE][::-1]}), AlteredManifest),
    "a file more": (lambda f: f.update({"more.txt": b"more"}), OtherFiles),
    "a file less": (lambda f: f.pop("access.jsonl"), OtherFiles),
    "no manifest": (lambda f: f.pop(MANIFEST), NotAPackage),
}


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_refused(settings: Settings, tmp_path: Path, what: str) -> None:
    change, refusal = ALTERED[what]
    file = rewritten(made(settings, about(2), tmp_path), lambda files: void(change(files)))
    with pytest.raises(refusal):
        check(file, [])


def void(_: object) -> None:
    pass


def test_what_is_no_package_or_not_whole_is_refused(settings: Settings, tmp_path: Path) -> None:
    file = made(settings, about(2), tmp_path)
    half = tmp_path / "half.zip"
    half.write_bytes(file.read_bytes()[:-100])
    other = tmp_path / "text.zip"
    other.write_text("hello")
    for one in (half, other):
        with pytest.raises(NotAPackage):
            check(one, [])


def test_a_package_that_somebody_else_signed_is_refused(settings: Settings, tmp_path: Path) -> None:
    file = made(settings, about(2), tmp_path)
    forger = Signer.beside(tmp_path / "forger" / "keyring.json")
    with pytest.raises(OtherSigner):
        check(signed_anew(file, forger, lambda _: None), [signer_of(settings).public])
    with pytest.raises(BadSeal):  # its seals are not the forger's
        check(signed_anew(file, forger, lambda _: None), [])


def signer_of(settings: Settings) -> Signer:
    return Signer.beside(settings.keyring_file)


def signed_anew(file: Path, signer: Signer, change: Callable[[dict[str, bytes]], object]) -> Path:
    """Return a package as its maker could alter it: every digest and its signature fit."""
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(files.pop(MANIFEST))
    del files[SIGNATURE]
    change(files)
    other = file.with_name("anew.zip")
    other.unlink(missing_ok=True)
    manifest = Manifest(
        log=UUID(told["log"]),
        about=told["about"],
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        facts=len(files[FACTS].splitlines()),
        key=signer.public,
    )
    write(other, manifest, files, signer)
    return other


def with_fact(
    change: Callable[[dict[str, object]], object],
) -> Callable[[dict[str, bytes]], object]:
    def altered(files: dict[str, bytes]) -> None:
        first, *rest = files[FACTS].splitlines()
        fact = json.loads(first)
        change(fact)
        files[FACTS] = b"\n".join((json.dumps(fact).encode(), *rest))

    return altered


@pytest.mark.parametrize(
    "change",
    [
        lambda fact: fact.update(actor_id="nobody"),
        lambda fact: fact.update(position=5),
        lambda fact: fact.update(path=["0" * 64, *fact["path"][1:]]),
        lambda fact: fact.update(path=[]),
        lambda fact: fact.update(seal=18),
        lambda fact: fact.update(row="AAAA"),
        lambda fact: fact.pop("body"),
    ],
)
def test_its_maker_cannot_alter_a_fact_either(
    settings: Settings, tmp_path: Path, change: Callable[[dict[str, object]], object]
) -> None:
    file = made(settings, about(2), tmp_path)
    assert check(signed_anew(file, signer_of(settings), lambda _: None), [])
    with pytest.raises(Unproven):
        check(signed_anew(file, signer_of(settings), with_fact(change)), [])


def test_its_maker_cannot_seal_anew_what_was_sealed_before(
    settings: Settings, public: Path, tmp_path: Path
) -> None:
    kept.tamper(
        str(settings.log_url),
        "update log.fact set body = '{}' where position = 5",
        "delete from log.fact where position > 12",
        "delete from log.batch where position > 12",
        "delete from log.seal",
    )
    kept.chain_anew(str(settings.log_url))
    file = made(settings, about(2), tmp_path)
    assert check_package(file, [public], None) == 0
    with pytest.raises(OtherSeal):
        check_package(file, [public], tmp_path / "seals.jsonl")


def test_a_file_that_cannot_be_written_is_told(
    settings: Settings, tmp_path: Path, capsys: Capture
) -> None:
    assert package(settings, about(2), tmp_path / "none" / "package.zip") == 2
    told = capsys.readouterr().err
    assert told == f"{tmp_path / 'none' / 'package.zip'}: No such file or directory.\n"


# ---- what a shop says


def test_ids_are_those_of_the_shop(database_url: str, tmp_path: Path) -> None:
    settings = Settings(log_url=database_url, keyring=tmp_path / "keyring.json")
    with Shop.open(database_url, settings.keyring_file) as shop:
        shop.pay("ada", "1001", 20)
        shop.pay("bob", "1002", 20)
    ids = Ids(Keyring.open(settings.keyring_file).secret)
    for number, (asked, stream) in enumerate(
        [
            (Asked(shop="tea", order="1002"), "stream"),
            (Asked(shop="tea", customer="bob"), "origin"),
            (Asked(shop="tea", order=str(ids.order("tea", "1002"))), "stream"),
        ]
    ):
        file = tmp_path / f"{number}.zip"
        assert package(settings, asked, file) == 0
        wanted = {"stream": ids.order("tea", "1002"), "origin": ids.user("tea", "bob")}[stream]
        assert {fact[stream] for fact in facts(file)} == {str(wanted)}
