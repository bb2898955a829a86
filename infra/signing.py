"""The service's signature (Ed25519): its private key is in a file beside the keyring."""

import base64
from contextlib import suppress
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from infra.secret_files import make


class NoSigningKey(ValueError):
    """{} holds no Ed25519 key (PEM): put back a copy, or name another file."""

    def __init__(self, file: Path) -> None:
        super().__init__(str(self.__doc__).format(file))


class Signer:
    """Signs what the service vouches for."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = _text(key.public_key())
        """The public key in base64: 32 bytes."""

    @classmethod
    def beside(cls, keyring_file: Path) -> Self:
        """Read the key, made when there is none. Raises OSError, NoSigningKey."""
        file = file_beside(keyring_file)
        if not file.exists():
            _make(file)
        try:
            key = load_pem_private_key(file.read_bytes(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise NoSigningKey(file) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise NoSigningKey(file)
        return cls(key)

    def sign(self, what: bytes) -> str:
        """Return a signature in base64."""
        return base64.b64encode(self._key.sign(what)).decode()

    @property
    def public_pem(self) -> str:
        key = self._key.public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def file_beside(keyring_file: Path) -> Path:
    """Return where the private key is."""
    return keyring_file.with_name("signing.key")


def read_public(file: Path) -> str:
    """Return the public key of a PEM file, in base64. Raises OSError, NoSigningKey."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        raise NoSigningKey(file) from None
    if not isinstance(key, Ed25519PublicKey):
        raise NoSigningKey(file)
    return _text(key)


def is_signed(what: bytes, signature: str, public: str) -> bool:
    """Tell whether a signature in base64 is of these bytes and this public key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
        key.verify(base64.b64decode(signature), what)
    except (InvalidSignature, ValueError):
        return False
    return True


def _text(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes_raw()).decode()


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    made = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with suppress(FileExistsError):  # another process was first: then its key counts
        make(file, made)
