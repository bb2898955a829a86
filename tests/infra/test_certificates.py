"""Certificates are what they were, to the byte: others keep them, the log their digest."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra import erasure_certificate, retention
from infra.certificates import Altered, signed
from infra.erasure_certificate import CertifiedErasure, DestroyedKey
from infra.retention import Destroyed, Retained
from infra.signing import Signer

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
ERASURE = CertifiedErasure(
    installation="a1b2c3",
    erasure=UUID(int=1),
    customer=UUID(int=2),
    shop="tea",
    asked_by="customer",
    requested_at=AT,
    due_at=AT,
    erased_at=AT,
    position=9,
    keys=[DestroyedKey(identity=UUID(int=2), generation=1, epoch=3, destroyed_at=AT)],
    facts=4,
    originals=2,
    first=1,
    last=8,
    columns={"profile.email": 1, "orders.name": 2},
    refused=1,
    answers=0,
    epoch=3,
    made_at=AT,
)
RETENTION = Retained(
    installation=str(UUID(int=5)),
    at=AT,
    rules={"tea/site": 3, "*": 12},
    destroyed=[Destroyed(shop="tea", source="site", month="2025-11", originals=7, refused=1)],
    dropped=["2025-11"],
)


def test_of_an_erasure() -> None:
    file = (GOLDEN / "erasure-certificate.json").read_bytes()
    assert signed(ERASURE, SIGNER) == file
    certificate = erasure_certificate.certificate_of(file)
    assert certificate.certified == ERASURE
    assert certificate.is_signed
    assert certificate.digest == "8fae5d91cd099ba0b7df895b0c80707e90f7aa5b1b3a4995615a7380d4e1518c"


def test_of_retention() -> None:
    file = (GOLDEN / "retention-certificate.json").read_bytes()
    assert signed(RETENTION, SIGNER) == file
    certificate = retention.certificate_of(file)
    assert certificate.certified == RETENTION
    assert certificate.is_signed
    assert certificate.digest == "2d68d7289e5286df04ec0e71be74b9246564604376f1067c05e7d02258abbdbc"


def test_one_is_not_read_as_the_other() -> None:
    with pytest.raises(msgspec.DecodeError):
        erasure_certificate.certificate_of(signed(RETENTION, SIGNER))
    with pytest.raises(msgspec.DecodeError):
        retention.certificate_of(signed(ERASURE, SIGNER))


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (b'"certified": {', b'"certified": {"signed_off_by": "CEO",'),
        (b'"signature": ', b'"note": "none of it is true", "signature": '),
        (b'"format": 1', b'"format": 2, "format": 1'),
        (b"09:30:00Z", b"09:30:00.0000001Z"),
        (b"09:30:00Z", b"09:30:00+00:00"),
        (b'"format": 1,', b""),
        (b'"installation"', b'"\\u0069nstallation"'),
    ],
)
@pytest.mark.parametrize(
    ("file", "certificate_of"),
    [
        (signed(ERASURE, SIGNER), erasure_certificate.certificate_of),
        (signed(RETENTION, SIGNER), retention.certificate_of),
    ],
)
def test_what_was_put_in_or_respelled_is_refused(
    file: bytes, certificate_of: Callable[[bytes], object], was: bytes, now: bytes
) -> None:
    assert was in file
    with pytest.raises(Altered):
        certificate_of(file.replace(was, now, 1))


def test_spaces_around_values_change_nothing() -> None:
    file = signed(ERASURE, SIGNER)
    for indent in (-1, 0, 4):
        other = msgspec.json.format(file, indent=indent) + b"\n"
        assert erasure_certificate.certificate_of(other).certified == ERASURE


def test_the_digest_is_of_what_is_certified_without_spaces() -> None:
    file = signed(ERASURE, SIGNER)
    certified = json.loads(file)["certified"]
    told = json.dumps(certified, separators=(",", ":"), ensure_ascii=False).encode()
    digest = hashlib.sha256(told).hexdigest()
    assert digest == erasure_certificate.certificate_of(file).digest
    assert digest != hashlib.sha256(file).hexdigest()
