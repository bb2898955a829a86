"""The keys of a backup, put where a log's keys belong."""

from contextlib import closing
from pathlib import Path

import msgspec

from domain.shared.ids import Ids
from infra.backup.catalogue import take_time
from infra.backup.copying import Told, copy_in
from infra.backup.key import BackupKey
from infra.backup.opening import Opened, check_known, check_together, open_file
from infra.backup.revoked import REVOKED, revoke_again
from infra.backup.taking import KEEPER, KEYRING, SIGNING, standing
from infra.backup.unusable import OtherKeyring
from infra.epochs import prove_epochs
from infra.installation import same_installation
from infra.keyring import Keyring, KeyringLost, KeyringWrapped
from infra.postgres import OWNER, Connection, connect
from infra.secret_files import replace
from infra.vault import Vault


class KeysTaken(msgspec.Struct, frozen=True):
    """How many persons' keys there are, and how many API keys were revoked with them."""

    persons: int
    revoked: int


def put_keys(  # noqa: PLR0913  # from what, with what, to where
    url: str,
    keys_file: Path,
    key: BackupKey,
    keyring_file: Path,
    told: Told = lambda _file, _done, _total: None,
    *,
    vault: Vault | None = None,
) -> KeysTaken:
    """Put a keys file in the place of all keys of a log that was put back by other means.

    Raises what `Unusable` there is, OSError, psycopg.Error.
    """
    with (
        open_file(keys_file, key, "keys") as keys,
        closing(connect(url, OWNER)) as owner,
        owner.transaction(),
    ):
        check_known(keys)
        check_together("the log", standing(owner), keys)
        return take_keys(owner, keys, keyring_file, vault, told)


def take_keys(
    owner: Connection, keys: Opened, keyring_file: Path, vault: Vault | None, told: Told
) -> KeysTaken:
    """Copy the keys in, in a transaction, and put their files where there are none.

    API keys that were revoked when the file was made are revoked: the log may be an older one.
    """
    take_time(owner)
    kept, files = copy_in(owner, keys, KEEPER, told)
    places = {KEYRING: keyring_file, SIGNING: keyring_file.with_name(SIGNING)}
    made = [name for name in places if name in files and not places[name].exists()]
    try:
        for name in made:
            places[name].parent.mkdir(parents=True, exist_ok=True)
            replace(places[name], files[name])
        _check_keyring(owner, keyring_file, vault)
    except BaseException:
        for name in made:
            places[name].unlink(missing_ok=True)
        raise
    return KeysTaken(
        persons=kept.get("keeper.person_key", 0),
        revoked=revoke_again(owner, files[REVOKED]) if REVOKED in files else 0,
    )


def _check_keyring(owner: Connection, file: Path, vault: Vault | None) -> None:
    """Make sure that a keyring is this log's, and opens a key of each epoch that is needed."""
    try:
        keyring = Keyring.open(file, vault)
        if not same_installation(owner, Ids(keyring.secret), claim=False):
            raise OtherKeyring(file)
        prove_epochs(owner, keyring)
    except KeyringWrapped:
        raise
    except KeyringLost:
        raise OtherKeyring(file) from None
