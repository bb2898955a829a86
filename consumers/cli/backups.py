"""Backups: taken, restored, tried."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.signed import PublicKeys

app = typer.Typer()
drill_app = typer.Typer(help="Prove that what is kept for a bad day works.", no_args_is_help=True)
app.add_typer(drill_app, name="drill")

Source = Annotated[
    Path, typer.Argument(help="A data file, or a folder of them: then its newest one.")
]
KeysFile = Annotated[
    Path | None, typer.Argument(help="The newest keys file; none: the one beside the data file.")
]


@app.command("backup-key")
def backup_key(
    file: Annotated[Path, typer.Argument(help="Where to write it; there must be none yet.")],
) -> None:
    """Make the key that backups are sealed with.

    ```sh
    huike backup-key /etc/huike/backup.key  # and a copy elsewhere: without it
                                            # a backup cannot be opened
    ```
    """
    from consumers.backup import make_key

    make_key(file)


@app.command()
def backup(
    *,
    to: Annotated[Path, typer.Option(help="The folder that it is put in.")],
    key: Annotated[Path, typer.Option(help="File of the key, made by `huike backup-key`.")],
    keys_to: Annotated[
        Path | None, typer.Option(help="Another folder for the keys file; none: the same one.")
    ] = None,
) -> None:
    """Back up the log while everything serves: a data file, and the newest keys file.

    Views are not in it: they are made from the log. Of the keys file there is one, which each
    backup replaces: who was forgotten since an older data file stays so when that is restored.

    ```sh
    huike backup --to backups --key backup.key
    huike backup --to backups --keys-to keys --key backup.key
    ```
    """
    from consumers.backup import backup as run_backup
    from infra.settings import Settings

    run_backup(Settings(), to, key, keys_to)


@app.command()
def restore(
    source: Source,
    keys: KeysFile = None,
    *,
    key: Annotated[Path, typer.Option(help="File of the key that it was sealed with.")],
    older_keys: Annotated[
        bool,
        typer.Option("--older-keys", help="Take keys of before the data, and lose who came since."),
    ] = False,
) -> None:
    """Restore a backup into an empty database: that of HUIKE_LOG_URL, or of a new home.

    The views are made when Huike is started on it. The keyring is put at its place.

    ```sh
    HUIKE_HOME=/srv/huike huike restore backups --key backup.key
    huike restore backups/20261123T000426-99.huike-data keys --key backup.key
    ```
    """
    from consumers.restore import run_restore
    from infra.settings import Settings

    run_restore(Settings(), source, keys, key, older_keys=older_keys)


@app.command()
def restored(
    keys: Annotated[
        Path | None,
        typer.Argument(help="The newest keys file; none: the keys are those that came back."),
    ] = None,
    *,
    key: Annotated[
        Path | None, typer.Option(help="File of the key that the keys file was sealed with.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it was put back.")] = False,
) -> None:
    """Say that the log's database was put back by other means than `huike restore`.

    Run it before anything starts on that database again: what the log recorded after that state
    is not to be taken for what it will record now. With a keys file, who was forgotten since stays
    forgotten, and everybody else opens with the newest keyring. It asks first, for the log is
    another one after it, and refuses a database on which Huike runs.

    ```sh
    huike restored  # after a recovery to a point in time, say; it asks first
    huike restored backups/huike-keys --key backup.key
    ```
    """
    from consumers.restore import run_restored
    from infra.settings import Settings

    run_restored(Settings(), keys, key, yes=yes)


@drill_app.command("restore")
def drill_restore(  # noqa: PLR0913  # each is an option
    source: Source,
    keys: KeysFile = None,
    *,
    key: Annotated[Path, typer.Option(help="File of the key that it was sealed with.")],
    processes: Annotated[int, typer.Option(help="How many fold in parallel.")] = 2,
    against: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A file of seals, one a line: the backup must agree with all that are of it.",
        ),
    ] = None,
    public_key: PublicKeys = None,
) -> None:
    """Restore a backup into a scratch server, make all views, verify everything, clean up.

    The views are compared with the log that runs, as of the backup, or with a replay of themselves.
    Scratch is in TMPDIR, and takes as much room as the log and its views. Exits with 1 when
    something is wrong; prints what each step took. The chain is held to the seals that the backup
    holds, and to those of `--against`, which nobody who owns the database could alter.

    ```sh
    huike drill restore backups --key backup.key
    TMPDIR=/large huike drill restore backups keys --key backup.key
    huike drill restore backups --key backup.key --against seals.jsonl
    ```
    """
    from consumers.drill import drill_restore as run_drill
    from infra.settings import Settings

    done = run_drill(
        Settings(),
        source,
        keys,
        key,
        processes=processes,
        against=against,
        public_keys=public_key or [],
    )
    raise typer.Exit(done)
