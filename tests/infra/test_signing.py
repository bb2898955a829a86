"""What the service signed is known by its public key, and nothing else is."""

from pathlib import Path

import pytest

from infra.signing import NoSigningKey, Signer, is_signed, read_public


def test_what_was_signed_is_known_and_what_was_changed_is_not(tmp_path: Path) -> None:
    signer = Signer.beside(tmp_path / "keyring.json")
    signature = signer.sign(b"said")
    assert is_signed(b"said", signature, signer.public)
    assert not is_signed(b"sair", signature, signer.public)
    assert not is_signed(b"said", signature[:-8] + "AAAAAAA=", signer.public)
    assert not is_signed(b"said", "no signature", signer.public)
    other = Signer.beside(tmp_path / "elsewhere" / "keyring.json")
    assert not is_signed(b"said", signature, other.public)


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "keyring.json"
    assert Signer.beside(file).public == Signer.beside(file).public
    (made,) = tmp_path.iterdir()
    assert made.stat().st_mode & 0o077 == 0


def test_the_public_key_is_read_from_what_is_printed(tmp_path: Path) -> None:
    signer = Signer.beside(tmp_path / "keyring.json")
    file = tmp_path / "public.pem"
    file.write_text(signer.public_pem)
    assert read_public(file) == signer.public


@pytest.mark.parametrize(
    "content", ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_what_is_no_key_is_refused_by_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "signing.key"
    file.write_text(content)
    with pytest.raises(NoSigningKey, match=r"signing\.key holds no Ed25519 key"):
        Signer.beside(tmp_path / "keyring.json")
    with pytest.raises(NoSigningKey):
        read_public(file)
