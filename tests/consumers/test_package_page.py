"""The page of an auditor's package, for readers of either language."""

from datetime import UTC, datetime
from uuid import UUID

from consumers.package_page import page
from infra.evidence import Actor, Manifest

AT = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)


def test_what_is_sealed_is_called_so_in_both_languages() -> None:
    manifest = Manifest(log=UUID(int=1), about={"customer": "ada"}, made_at=AT, facts=1, key="")
    fact = {
        "position": 1,
        "type": "customer.registered",
        "type_version": 1,
        "occurred_at": AT.isoformat(),
        "recorded_at": AT.isoformat(),
        "actor_kind": "process",
        "actor_id": "w",
        "correlation": None,
        "causation": None,
        "body": {"email": {"sealed": "AAECAw=="}},
    }
    told = page(manifest, [fact], [], [], [])
    assert "it shows as “sealed”" in told
    assert "显示为“封存”" in told
    assert "{&quot;email&quot;:&quot;sealed 封存&quot;}" in told


def test_what_is_about_no_person_never_says_that_nobody_read() -> None:
    manifest = Manifest(log=UUID(int=1), about={"campaign": "SPRING"}, made_at=AT, facts=0, key="")
    told = page(manifest, [], [], None, [])
    _, after = told.split("Who read personal data")
    assert "Not in this package" in after
    assert "不在本包内" in after
    assert "None." not in after
    nobody = page(manifest, [], [], [], []).split("Who read personal data")[1]
    assert "(0)" in nobody
    assert "None." in nobody


def test_months_that_were_destroyed_are_told() -> None:
    manifest = Manifest(log=UUID(int=1), about={"customer": "ada"}, made_at=AT, facts=0, key="")
    told = page(manifest, [], [], [], [], destroyed=["shop 2026-01"])
    assert "the reads of shop 2026-01." in told
    assert "已按保留期销毁，不在本包内：shop 2026-01。" in told


def test_a_key_is_told_by_its_name_and_what_it_may() -> None:
    manifest = Manifest(log=UUID(int=1), about={"customer": "ada"}, made_at=AT, facts=0, key="")
    desk = Actor(kind="key", id="k-1", name="<desk>", roles=("agent",), expires_at=AT)
    read = {
        "at": AT.isoformat(),
        "actor_kind": "key",
        "actor_id": "k-1",
        "operation": "customer",
        "whom": None,
        "request": "r-1",
    }
    told = page(manifest, [], [], [read], [desk])
    assert told.count("&lt;desk&gt;") == 2
    assert "<td>agent</td>" in told
    assert "an export" in told
    assert "<desk>" not in told
