"""Secrets are their owner's alone, whole or not there, and gone when others take their place."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.secret_files import created, make, put, replace, wipe


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """Have everybody read what is made without a mode."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def test_only_its_owner_reads_it_from_the_first_byte(file: Path) -> None:
    with created(file):
        assert mode(file) == 0o600
    file.unlink()
    make(file, b"first")
    assert mode(file) == 0o600
    replace(file, b"second")
    assert mode(file) == 0o600


def test_one_that_is_there_is_not_made_again(file: Path) -> None:
    make(file, b"first")
    with pytest.raises(FileExistsError):
        make(file, b"second")
    with pytest.raises(FileExistsError), created(file):
        pass
    assert file.read_bytes() == b"first"
    assert list(file.parent.iterdir()) == [file]


def test_it_is_replaced_whole_and_what_it_held_is_wiped(file: Path) -> None:
    long = b"secret" * 400_000
    replace(file, long)
    with file.open("rb") as old:
        replace(file, b"second")
        assert old.read() == bytes(len(long))
    assert file.read_bytes() == b"second"
    assert list(file.parent.iterdir()) == [file]


def test_what_cannot_be_replaced_stays_as_it_is(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _target: Path) -> Path:
        raise OSError

    make(file, b"first")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError):  # noqa: PT011  # as the disk has it
        replace(file, b"second")
    assert file.read_bytes() == b"first"
    assert list(file.parent.iterdir()) == [file]


def test_a_link_goes_on_leading_to_it(file: Path, tmp_path: Path) -> None:
    make(file, b"first")
    link = tmp_path / "link"
    link.symlink_to(file)
    replace(link, b"second")
    assert link.is_symlink()
    assert file.read_bytes() == b"second"


def test_what_the_killed_left_is_wiped_and_a_stranger_is_not(file: Path) -> None:
    make(file, b"first")
    left = file.with_name(f"{file.name}.123.0a1b2c3d")
    left.write_bytes(b"secret")
    twin = file.with_name(f"{file.name}.124.0a1b2c3d")
    os.link(file, twin)  # of one that was killed when its file had just been made
    strange = file.with_name(f"{file.name}.backup")
    strange.write_bytes(b"theirs")
    with left.open("rb") as of_draft, file.open("rb") as old:
        replace(file, b"second")
        assert of_draft.read() == bytes(6)
        assert old.read() == bytes(5)
    assert {one.name for one in file.parent.iterdir()} == {file.name, strange.name}
    assert strange.read_bytes() == b"theirs"


def test_a_copy_by_another_name_is_left_alone(file: Path, tmp_path: Path) -> None:
    make(file, b"first")
    copy = tmp_path / "copy"
    os.link(file, copy)
    replace(file, b"second")
    assert copy.read_bytes() == b"first"
    wipe(copy)
    assert not copy.exists()


def test_a_draft_is_put_in_its_place_and_what_stood_there_is_wiped(
    file: Path, tmp_path: Path
) -> None:
    make(file, b"first")
    draft = tmp_path / "draft"
    with created(draft) as out:
        out.write(b"second")
    with file.open("rb") as old:
        put(draft, file)
        assert old.read() == bytes(5)
    assert file.read_bytes() == b"second"
    assert not draft.exists()


def test_what_is_wiped_held_nothing_and_what_is_not_there_needs_no_wiping(file: Path) -> None:
    make(file, b"first")
    with file.open("rb") as old:
        wipe(file)
        assert old.read() == bytes(5)
    wipe(file)
    assert list(file.parent.iterdir()) == []
