"""`huike backup`: the log and its keys in two sealed files, while everything serves."""

from pathlib import Path

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from consumers.mistakes import files_told
from consumers.place import log_url
from infra.backup.key import BackupKey
from infra.backup.taking import back_up
from infra.settings import Settings
from infra.upkeep import BACKUP, note_at


def make_key(file: Path) -> None:
    """Write a new key of backups to a file."""
    with files_told(file):
        key = BackupKey.make(file)
    typer.echo(f"Key {key.id} is in {file}. Whoever loses it has no backups: keep a copy.")


def backup(settings: Settings, folder: Path, key_file: Path, keys_folder: Path | None) -> None:
    """Take a backup and say where it is."""
    with files_told(folder):
        key, url = BackupKey.read(key_file), log_url(settings)
        with bytes_bar() as bar:
            task = bar.add_task("reading the log", total=None)
            taken = back_up(
                url,
                settings.keyring_file,
                key,
                folder,
                keys_folder=keys_folder,
                told=lambda done, total: bar.update(task, completed=done, total=total),
            )
    typer.echo(f"{taken.facts:,} facts, up to position {taken.position:,}: {taken.data}")
    typer.echo(f"{taken.persons:,} persons' keys, the newest there are: {taken.keys}")
    note_at(url, BACKUP, taken.position)


def bytes_bar() -> Progress:
    """Return a bar that counts bytes, on the terminal, not in what is printed."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
