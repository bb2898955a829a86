"""Why a backup, or a place for it, cannot be used: each reason in a sentence of its own."""


class Unusable(Exception):
    """A backup that cannot be used as it is asked for."""

    def __init__(self, what: object, **more: object) -> None:
        super().__init__(str(type(self).__doc__).format(what, **more))


class NoKey(Unusable):
    """{} is no key of backups: `huike backup-key` makes one."""


class MissingKey(Unusable):
    """{}: No such file. `huike backup-key` makes a key for new backups; old ones need their own."""


class NotABackup(Unusable):
    """{} is no backup of Huike, or its first bytes were altered."""


class NewerFormat(Unusable):
    """{} was made by a newer Huike, in format {format}: restore it with that one."""


class NewerTables(Unusable):
    """{} was made by a newer Huike, with tables of {migrations}: restore it with that one."""


class OtherKey(Unusable):
    """{} was sealed with another key, {theirs}; this one is {ours}."""


class AlteredHeader(Unusable):
    """{} was altered: its header is not what was written."""


class Truncated(Unusable):
    """{} is not whole: it ends in its chunk {number}, before its end was written."""


class ForeignChunk(Unusable):
    """{} holds a chunk of another backup, where its own chunk {number} was."""


class Disordered(Unusable):
    """{} was altered: its chunk {found} stands where chunk {number} was."""


class Altered(Unusable):
    """{} was altered: its chunk {number} is not what was written."""


class Overlong(Unusable):
    """{} was altered: something was added after its end."""


class Inconsistent(Unusable):
    """{} does not hold what it says: {why}."""


class OtherKind(Unusable):
    """{} is a backup of {found}, not of {wanted}."""


class OtherInstallation(Unusable):
    """{} and {keys} are not of one installation: who is who in one is not so in the other."""


class OtherFuture(Unusable):
    """{keys} does not know the log of {}: a restore lies between, and they parted before it."""


class OlderKeys(Unusable):
    """{keys} is older than {}: take the newest; `--older-keys` gives up who came since."""


class NotEmpty(Unusable):
    """There is something in the database {} already: restore into an empty database."""


class ViewsStand(Unusable):
    """The views' database, {}, holds views of the log that was: drop it, or name an empty one."""


class OtherKeyring(Unusable):
    """The keyring {} does not open these keys: move it away, and the backup's is put there."""


class FolderTaken(Unusable):
    """Another backup is being made in {}: wait for it."""


class OthersKeys(Unusable):
    """{} holds the keys of another log, which would be lost: back up into another folder."""


class NoBackup(Unusable):
    """There is no backup in {}."""


class StillServed(Unusable):
    """Huike runs on {} ({count} connections): stop it, and say then that it was put back."""


class RestoreRuns(Unusable):
    """Another restore into {} goes on: wait for it."""
