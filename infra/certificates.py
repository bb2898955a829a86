"""Certificates: what was destroyed, signed with the service's key."""

import hashlib
from typing import Final, Generic, TypeVar

import msgspec

from infra.signing import Signer, is_signed

What = TypeVar("What", bound=msgspec.Struct)

_canonical: Final = msgspec.json.Encoder(order="deterministic").encode
_pretty: Final = msgspec.json.format


class Altered(msgspec.DecodeError):
    """A certificate that is not written as it was signed: something was put in, or respelled."""


class Certificate(msgspec.Struct, Generic[What], frozen=True, kw_only=True):
    """What is certified, and the signature (Ed25519, base64) of its canonical JSON."""

    certified: What
    public_key: str
    signature: str

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of what is certified, in hex."""
        return hashlib.sha256(_canonical(self.certified)).hexdigest()

    @property
    def is_signed(self) -> bool:
        return is_signed(_canonical(self.certified), self.signature, self.public_key)


def signed(certified: msgspec.Struct, signer: Signer) -> bytes:
    """Return a certificate as a file: JSON, the same whoever writes it."""
    certificate = Certificate(
        certified=certified,
        public_key=signer.public,
        signature=signer.sign(_canonical(certified)),
    )
    return _pretty(_canonical(certificate))


def read(file: bytes, kind: type[Certificate[What]]) -> Certificate[What]:
    """Read a certificate. Raises msgspec.DecodeError for what is none, Altered.

    Spaces between values aside, it must be what is written again of what was read: whatever the
    reader passes over, nobody has signed.
    """
    certificate = msgspec.json.decode(file, type=kind)
    if _pretty(file, indent=-1) != _canonical(certificate):
        raise Altered(Altered.__doc__)
    return certificate
