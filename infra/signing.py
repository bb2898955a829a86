"""The service's signature (Ed25519): its private key is in a file beside the keyring."""

import base64
import os
import secrets
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class Signer:
    """Signs what the service vouches for."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        """The public key in base64: 32 bytes."""

    @classmethod
    def beside(cls, keyring_file: Path) -> Self:
        """Read the key, made when there is none. Raises OSError, ValueError."""
        file = keyring_file.with_name("signing.key")
        if not file.exists():
            _make(file)
        key = base64.b64decode(file.read_text(encoding="utf-8"))
        return cls(Ed25519PrivateKey.from_private_bytes(key))

    def sign(self, what: bytes) -> str:
        """Return a signature in base64."""
        return base64.b64encode(self._key.sign(what)).decode()


def is_signed(what: bytes, signature: str, public: str) -> bool:
    """Tell whether a signature in base64 is of these bytes and this public key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
        key.verify(base64.b64decode(signature), what)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode())
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, file)  # fails when another process was first: then its key counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
