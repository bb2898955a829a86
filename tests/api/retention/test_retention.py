"""What sources sent is unreadable after so many months, and what happened stays."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from api.services import Services
from consumers.retention import of_retention, retain, retain_due
from infra.epochs import renew_if_due
from infra.keyring import Keyring
from infra.postgres import KEEPER, OWNER, connect
from infra.retention import Month, RetentionHeldUp, carry_out, certificate_of, due, latest
from infra.settings import Settings
from infra.signing import Signer
from tests.api.retention.rules import EVERYBODY, LATER, SITE
from tests.logins import service_login

PATIENCE = 30.0


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


def test_a_login_that_owns_nothing_leaves_it_to_the_owner_and_the_doctor_says_so(
    settings: Settings, url: str, services: Services
) -> None:
    services.sealer.period_key("original", "shop", "site", "2001-01")
    with service_login(url) as service:
        ruled = settings.model_copy(update={"retention": ("shop/site=3",), "log_url": service})
        retain_due(ruled)
        ((told, mend),) = of_retention(ruled, service)
    assert told == "shop/site 3 months"
    assert mend == "1 months are past: `huike retention` as the database's owner"


@pytest.mark.parametrize("rule", ["site=3", "shop/site", "shop/site=0", "*=x", "shop/site=-1"])
def test_a_rule_that_is_none_is_refused(rule: str) -> None:
    with pytest.raises(ValidationError, match="shop/source=months"):
        Settings(retention=(rule,))
