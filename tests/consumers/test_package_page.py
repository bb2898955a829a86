"""The page of an auditor's package, for readers of either language."""

from datetime import UTC, datetime
from uuid import UUID

from consumers.package_page import page
from infra.evidence import Manifest

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
    told = page(manifest, [fact], [], [])
    assert "it shows as “sealed”" in told
    assert "显示为“封存”" in told
    assert "{&quot;email&quot;:&quot;sealed 封存&quot;}" in told
