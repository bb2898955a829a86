"""What the service signed is known by its public key, and nothing else is."""

from pathlib import Path

from infra.signing import Signer, is_signed


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
