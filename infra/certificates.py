"""The certificate of an erasure: what was destroyed where, signed with the service's key."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from infra.signing import Signer, is_signed

_canonical: Final = msgspec.json.Encoder(order="deterministic").encode
_pretty: Final = msgspec.json.format


class DestroyedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that there is no more; `destroyed_at` None: there never was one."""

    identity: UUID
    generation: int
    epoch: int
    destroyed_at: datetime


class Certified(msgspec.Struct, frozen=True, kw_only=True):
    """What is certified. `columns`: rows by table and column whose sealed value was taken out.

    `first`, `last`: the positions between which the customer's facts lie; what was sealed in
    `facts` of them, and in `originals`, opens no more. `epoch`: what older backups hold of the keys
    opens until the key of this epoch is destroyed.
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


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What is certified, and the signature (Ed25519, base64) of its canonical JSON."""

    certified: Certified
    public_key: str
    signature: str

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of what is certified, in hex."""
        return hashlib.sha256(_canonical(self.certified)).hexdigest()

    @property
    def is_signed(self) -> bool:
        return is_signed(_canonical(self.certified), self.signature, self.public_key)


def signed(certified: Certified, signer: Signer) -> bytes:
    """Return a certificate as a file: JSON, the same whoever writes it."""
    certificate = Certificate(
        certified=certified,
        public_key=signer.public,
        signature=signer.sign(_canonical(certified)),
    )
    return _pretty(_canonical(certificate))


def read(content: bytes) -> Certificate:
    """Read a certificate. Raises msgspec.DecodeError for what is none."""
    return msgspec.json.decode(content, type=Certificate)
