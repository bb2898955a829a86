"""Whom a server runs as when we are root: Postgres refuses to, rightly."""

import errno
import os
import pwd
import shutil
import stat
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

from infra.dev import ServerUnavailable

NAME = "huike"

_ACL = "system.posix_acl_access"
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY_IN_PARTICULAR = 0xFFFFFFFF
_ENTER = 1


def account() -> pwd.struct_passwd | None:
    """Find, or make, the system user that servers run as; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for _ in range(10):  # another process may be making it, holding the lock of the user list
        try:
            return pwd.getpwnam(NAME)
        except KeyError:
            _make_account()
            time.sleep(0.2)
    raise ServerUnavailable(
        f"As root, Postgres needs a system user to run as, and {NAME} could not be made: "
        "run Huike as an ordinary user, or name a server with HUIKE_LOG_URL."
    )


def _make_account() -> None:
    if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/bin/false", NAME],
            check=False,
            capture_output=True,
            timeout=30,
        )


def as_owner_of(folder: Path) -> dict[str, Any]:
    """Return what makes subprocess start a program as a folder's owner, when we are root."""
    if os.geteuid() != 0:
        return {}
    owner = folder.stat()
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}


def let_in(path: Path, uid: int) -> None:
    """Let one user, and nobody else, pass through the folders above `path`."""
    for folder in path.resolve().parents:
        if not _may_enter(folder, uid):
            _grant(folder, uid)


def make_readable(folder: Path) -> None:
    """Open an installed package to everybody: a strict umask hides even public programs."""
    if not folder.exists() or folder.stat().st_mode & stat.S_IXOTH:
        return
    for path in (*folder.rglob("*"), folder):  # the folder last: it says that all is done
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        runs = mode & stat.S_IXUSR
        path.chmod(mode | 0o444 | (0o111 if runs else 0))


def _may_enter(folder: Path, uid: int) -> bool:
    status = folder.stat()
    return bool(status.st_mode & (stat.S_IXUSR if status.st_uid == uid else stat.S_IXOTH))


def _grant(folder: Path, uid: int) -> None:
    """Add `uid` to the folder's access list (acl(5)), for passing through only."""
    mode = folder.stat().st_mode
    try:
        blob = os.getxattr(folder, _ACL)
        entries = {(tag, who): rights for tag, rights, who in struct.iter_unpack("<HHI", blob[4:])}
    except OSError as error:
        if error.errno not in {errno.ENODATA, errno.ENOTSUP}:
            raise
        entries = {
            (_OWNER, _NOBODY_IN_PARTICULAR): mode >> 6 & 7,
            (_GROUP, _NOBODY_IN_PARTICULAR): mode >> 3 & 7,
            (_OTHER, _NOBODY_IN_PARTICULAR): mode & 7,
            (_MASK, _NOBODY_IN_PARTICULAR): mode >> 3 & 7,
        }
    entries[_USER, uid] = entries.get((_USER, uid), 0) | _ENTER
    entries[_MASK, _NOBODY_IN_PARTICULAR] |= _ENTER
    packed = (struct.pack("<HHI", tag, entries[tag, who], who) for tag, who in sorted(entries))
    try:
        os.setxattr(folder, _ACL, struct.pack("<I", 2) + b"".join(packed))
    except OSError as error:
        raise ServerUnavailable(
            f"As root, servers run as the user {NAME}, which may not pass through {folder}: "
            f"move the checkout elsewhere (/opt, say), or run `chmod o+x {folder}`."
        ) from error
