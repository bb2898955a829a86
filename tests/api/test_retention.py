"""What sources sent is unreadable after so many months, and what happened stays."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from api.services import Services
from consumers.retained import verify
from consumers.retention import of_retention, retain
from infra.access_log import Access, Asked
from infra.certificates import signed
from infra.epochs import renew, renew_if_due
from infra.keyring import Keyring
from infra.postgres import KEEPER, OWNER, connect
from infra.retention import Month, RetentionHeldUp, carry_out, certificate_of, due, latest
from infra.settings import Settings
from infra.signing import Signer

LATER = datetime.now(UTC) + timedelta(days=200)
SITE = {"shop/site": 3}
EVERYBODY = {"*": 3}
PATIENCE = 30.0
Capture = pytest.CaptureFixture[str]
NOT_TAKEN = {"userId": "42", "event": "Order Completed", "messageId": "bad"}


@pytest.fixture
def signer(settings: Settings) -> Signer:
    return Signer.beside(settings.keyring_file)


@pytest.fixture
def url(settings: Settings) -> str:
    assert settings.log_url is not None
    return settings.log_url


@pytest.fixture
def sent(stranger: TestClient, services: Services) -> dict[str, int]:
    """Positions of a message of each of two sources; each had one refused too."""
    positions = {}
    for source in ("site", "erp"):
        _, secret = services.keys.add(source, ["ingest"], source=source)
        client = TestClient(stranger.app, headers={"Authorization": f"Bearer {secret}"})
        message = {"userId": "42", "event": "Products Searched", "messageId": f"m-{source}"}
        taken = client.post("/v1/track", json=message).json()
        assert taken["success"]
        positions[source] = taken["results"][0]["position"]
        assert not client.post("/v1/track", json=NOT_TAKEN).json()["success"]
    first = {fact.source: fact.position for fact in reversed(services.reader.read(0, 100))}
    return {source: first[source] for source in positions}


def history(url: str) -> list[Any]:
    with connect(url, OWNER) as owner:
        return [
            owner.execute("select * from log.fact order by position").fetchall(),
            owner.execute("select * from log.batch order by position").fetchall(),
        ]


def letting_go(services: Services, position: int) -> bool:
    """Wait until a process that held the key reads no original any more."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if services.originals.find(position).message is None:
            return True
        time.sleep(0.05)
    return False


def test_one_sources_month_becomes_unreadable_and_the_others_stays(
    sent: dict[str, int], services: Services, url: str, signer: Signer
) -> None:
    assert all(services.originals.find(position).message for position in sent.values())
    before = history(url)
    file = carry_out(url, SITE, signer, LATER)
    assert file is not None
    assert letting_go(services, sent["site"])
    assert services.originals.find(sent["erp"]).message is not None
    assert {one.source for one in services.refused.page(after=None, reason=None, limit=9)} == {
        "erp"
    }
    certified = certificate_of(file).certified
    (destroyed,) = certified.destroyed
    assert (destroyed.source, destroyed.originals, destroyed.refused) == ("site", 1, 1)
    assert certified.dropped == []
    assert history(url) == before
    with connect(url, OWNER) as owner:
        (left,) = owner.execute("select count(*) from keeper.refused_key").fetchone() or (0,)
    assert left == 1, "the key of the other source's refused event"


def test_a_month_that_nobody_can_read_is_dropped(
    sent: dict[str, int], services: Services, url: str, signer: Signer
) -> None:
    before = history(url)
    file = carry_out(url, EVERYBODY, signer, LATER)
    assert file is not None
    month = f"{datetime.now(UTC):%Y-%m}"
    assert certificate_of(file).certified.dropped == [month]
    with connect(url, OWNER) as owner:
        assert owner.execute("select count(*) from log.original").fetchone() == (0,)
    assert history(url) == before
    assert (
        list(services.originals.of([services.ids.user("shop", "42")], upto=max(sent.values())))
        == []
    )


@pytest.mark.usefixtures("sent")
def test_what_was_destroyed_is_certified_once(url: str, signer: Signer) -> None:
    file = carry_out(url, SITE, signer, LATER)
    assert file is not None
    certificate = certificate_of(file)
    assert certificate.is_signed
    forged = msgspec.structs.replace(certificate.certified, destroyed=[])
    assert not msgspec.structs.replace(certificate, certified=forged).is_signed
    assert carry_out(url, SITE, signer, LATER) is None
    with connect(url, OWNER) as owner:
        assert latest(owner) == (LATER, certificate)


@pytest.mark.usefixtures("sent")
def test_an_epoch_follows_so_that_no_backup_opens_it(
    url: str, signer: Signer, settings: Settings
) -> None:
    keyring = Keyring.open(settings.keyring_file)
    assert renew_if_due(url, keyring, timedelta(0)) is None
    assert carry_out(url, SITE, signer, LATER) is not None
    assert renew_if_due(url, keyring, timedelta(0)) is not None
    assert renew_if_due(url, keyring, timedelta(0)) is None


@pytest.mark.usefixtures("sent")
def test_while_somebody_reads_it_nothing_is_destroyed(url: str, signer: Signer) -> None:
    with connect(url, OWNER, autocommit=False) as backup:
        backup.execute("lock table log.original in access share mode")
        with pytest.raises(RetentionHeldUp):
            carry_out(url, EVERYBODY, signer, LATER)
    with connect(url, OWNER) as owner:
        assert len(due(owner, EVERYBODY, LATER)) == 2


@pytest.mark.usefixtures("sent")
def test_nothing_is_destroyed_before_its_time_or_without_a_rule(url: str, signer: Signer) -> None:
    assert carry_out(url, EVERYBODY, signer, datetime.now(UTC)) is None
    assert carry_out(url, {}, signer, LATER) is None
    assert carry_out(url, {"shop/app": 1}, signer, LATER) is None


@pytest.mark.parametrize(
    ("now", "over"),
    [("2026-02-28", False), ("2026-03-01", True), ("2027-01-01", True), ("2025-12-01", False)],
)
def test_a_month_is_over_so_many_whole_months_after_its_end(
    url: str, services: Services, *, now: str, over: bool
) -> None:
    services.sealer.period_key("original", "shop", "site", "2025-11")
    services.sealer.period_key("refused", "shop", "site", "2025-11")
    services.sealer.period_key("access", "shop", "", "2025-11")
    month = Month(shop="shop", source="site", month="2025-11")
    with connect(url, KEEPER) as keeper:
        told = due(keeper, SITE, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert told == ([month] if over else [])


def test_by_default_everything_is_kept(
    settings: Settings, url: str, capsys: pytest.CaptureFixture[str], services: Services
) -> None:
    services.sealer.period_key("original", "shop", "site", "2001-01")
    assert retain(settings, dry_run=False, to=None) == 0
    assert "everything is kept" in capsys.readouterr().out
    assert list(of_retention(settings, url)) == [("off", None)]


def test_the_command_says_what_it_would_do_and_does_it(
    settings: Settings, url: str, capsys: pytest.CaptureFixture[str], services: Services
) -> None:
    services.sealer.period_key("original", "shop", "site", "2001-01")
    ruled = settings.model_copy(update={"retention": ("shop/site=3",)})
    assert retain(ruled, dry_run=True, to=None) == 0
    assert capsys.readouterr().out == "shop/site 2001-01\n"
    ((told, mend),) = of_retention(ruled, url)
    assert told == "shop/site 3 months"
    assert mend is not None
    file = settings.home / "certificate.json"
    assert retain(ruled, dry_run=False, to=file) == 0
    assert certificate_of(file.read_bytes()).is_signed
    ((told, mend),) = of_retention(ruled, url)
    assert mend is None
    assert "last on" in told


def read_by(services: Services, actor: str, at: datetime) -> None:
    access = Access(
        at=at,
        actor_kind="key",
        actor_id=actor,
        whom=(UUID(int=42),),
        operation="GET /api/customers/{id}",
        basis="scope personal",
        request="r",
        shop="shop",
    )
    services.access.write(access)


def test_a_month_of_the_access_log_goes_where_it_is_asked_for_and_in_no_other_case(
    services: Services, url: str, signer: Signer
) -> None:
    now = datetime.now(UTC)
    read_by(services, "now", now)
    read_by(services, "then", now - timedelta(days=400))
    assert carry_out(url, EVERYBODY | {"shop/": 1}, signer, now) is None
    file = carry_out(url, {"access": 12}, signer, now)
    assert file is not None
    certificate = certificate_of(file)
    assert certificate.is_signed
    assert [one.reads for one in certificate.certified.reads or ()] == [1]
    assert certificate.certified.destroyed == []
    assert [kept.access.actor_id for kept in services.access.page(Asked(), 9)] == ["now"]
    assert carry_out(url, {"access": 12}, signer, now) is None


@pytest.mark.usefixtures("sent")
def test_a_certificate_is_held_against_the_log(
    services: Services, settings: Settings, url: str, signer: Signer, capsys: Capture
) -> None:
    read_by(services, "then", datetime.now(UTC) - timedelta(days=400))
    content = carry_out(url, EVERYBODY | {"access": 3}, signer, LATER)
    assert content is not None
    file = settings.home / "certificate.json"
    file.write_bytes(content)
    assert verify(settings, file) == 0
    told = capsys.readouterr().out
    assert "signature: this service's" in told
    assert "log: it keeps this certificate" in told
    assert "0 originals and 0 refused events that are there open with nothing" in told
    assert "tables: 1 were dropped" in told
    assert "open until the next epoch" in told
    assert "It holds." in told
    renew(url, Keyring.open(settings.keyring_file))
    assert verify(settings, file) == 0
    assert "open no more, since epoch 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("update keeper.period_key set wrapped = 'x'", "of its keys are there"),
        ("delete from keeper.period_key", "it is not known that its keys are destroyed"),
        ("update log.retention set at = now()", "it does not know this certificate"),
        ("update log.installation set incarnation = gen_random_uuid()", "for another log"),
    ],
)
@pytest.mark.usefixtures("sent")
def test_a_certificate_that_what_is_there_contradicts_does_not_hold(  # noqa: PLR0913, PLR0917  # it stands on all of them
    settings: Settings, url: str, signer: Signer, capsys: Capture, harm: str, why: str
) -> None:
    content = carry_out(url, SITE, signer, datetime.now(UTC) + timedelta(days=200))
    assert content is not None
    file = settings.home / "certificate.json"
    file.write_bytes(content)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("update log.batch set recorded_at = now() + interval '1 year'")
        owner.execute(harm.encode())
    assert verify(settings, file) == 1
    assert why in capsys.readouterr().out


@pytest.mark.usefixtures("sent")
def test_a_certificate_that_was_changed_or_is_anothers_does_not_hold(
    settings: Settings, url: str, signer: Signer, capsys: Capture
) -> None:
    content = carry_out(url, SITE, signer, LATER)
    assert content is not None
    file = settings.home / "certificate.json"
    file.write_bytes(content.replace(b'"refused": 1', b'"refused": 2'))
    assert verify(settings, file) == 1
    assert "it was changed after it was signed" in capsys.readouterr().out
    other = Signer.beside(settings.home / "other" / "keyring.json")
    file.write_bytes(signed(certificate_of(content).certified, other))
    assert verify(settings, file) == 1
    assert "another service's" in capsys.readouterr().out
    file.write_bytes(b"{}")
    assert verify(settings, file) == 2


@pytest.mark.parametrize("rule", ["site=3", "shop/site", "shop/site=0", "*=x", "shop/site=-1"])
def test_a_rule_that_is_none_is_refused(rule: str) -> None:
    with pytest.raises(ValidationError, match="shop/source=months"):
        Settings(retention=(rule,))
