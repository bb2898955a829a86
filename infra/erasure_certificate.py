"""The certificate of an erasure: what was destroyed where."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from infra.certificates import Certificate, read


class DestroyedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that there is no more; `destroyed_at` None: there never was one."""

    identity: UUID
    generation: int
    epoch: int
    destroyed_at: datetime


class CertifiedErasure(msgspec.Struct, frozen=True, kw_only=True):
    """What is certified of an erasure.

    `columns`: rows by table and column whose sealed value was taken out. `first`, `last`: the
    positions between which the customer's facts lie; what was sealed in `facts` of them, and in
    `originals`, opens no more. `epoch`: what older backups hold of the keys opens until the key of
    this epoch is destroyed.
    """

    format: int = 1
    installation: str
    erasure: UUID
    customer: UUID
    shop: str
    asked_by: str
    requested_at: datetime
    due_at: datetime
    erased_at: datetime
    position: int
    keys: Sequence[DestroyedKey]
    facts: int
    originals: int
    first: int
    last: int
    columns: dict[str, int]
    refused: int
    answers: int
    epoch: int
    made_at: datetime


ErasureCertificate: TypeAlias = Certificate[CertifiedErasure]


def certificate_of(file: bytes) -> ErasureCertificate:
    """Read a certificate. Raises msgspec.DecodeError for what is none, Altered."""
    return read(file, ErasureCertificate)


def digest_of(file: bytes) -> str | None:
    """Return the digest of what a certificate certifies; None of what is no certificate."""
    try:
        return certificate_of(file).digest
    except msgspec.DecodeError:
        return None
