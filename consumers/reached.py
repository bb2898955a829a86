"""How Postgres is reached: as whom, and whether anybody on the way can listen or pretend."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from infra.postgres import OWNER, Connection, may_become

_POWERS: Final = """
select session_user::text, rolsuper, rolcreaterole,
  (select pg_has_role(session_user, datdba, 'member') from pg_database
   where datname = current_database())
from pg_roles where rolname = session_user
"""
_VERIFIED: Final = "verify-full"
_UNASKED: Final = "disable"


def of_login(connection: Connection, needed: Sequence[str]) -> tuple[str, str | None]:
    """Say who logged in, whether that login could change history, and which roles it lacks."""
    user, superuser, makes_roles, owns = connection.execute(_POWERS).fetchone() or (
        "",
        *3 * (None,),
    )
    lacking = [role for role in needed if not may_become(connection, role)]
    if lacking:
        return f"{user}, who lacks {', '.join(lacking)}", f"grant {', '.join(lacking)} to {user}"
    can = {
        "is a superuser": superuser,
        "may make roles": makes_roles,
        "owns the database": owns,
        f"may become {OWNER}": may_become(connection, OWNER),
    }
    why = next((power for power, there in can.items() if there), None)
    if why is None:
        return f"{user}, who cannot change history", None
    return f"{user}, who {why}: for one machine and for updates, too much for a server", None


def of_way(connection: Connection) -> Iterator[tuple[str, str | None]]:
    """Say how a connection to another machine is guarded, and what to do about it."""
    told = {
        option.keyword.decode(): (option.val or b"").decode() for option in connection.pgconn.info
    }
    yield from guarded(told, encrypted=bool(connection.pgconn.ssl_in_use))


def guarded(address: Mapping[str, str], *, encrypted: bool) -> Iterator[tuple[str, str | None]]:
    """Say it of an address's parameters; nothing of this machine's own."""
    host = address.get("hostaddr") or address.get("host", "")
    if all(is_here(one) for one in host.split(",")):
        return
    mode = address.get("sslmode", "")
    how = "encrypted" if encrypted else "in the clear"
    if mode in {_VERIFIED, _UNASKED}:
        yield f"{how} to {host}, as sslmode={mode} asks", None
    else:
        mend = "ask for sslmode=verify-full&sslrootcert=FILE in its address"
        yield f"{how} to {host}, and nobody looks who answers: sslmode={mode}", mend


def is_here(host: str) -> bool:
    """Tell whether a host is this machine: a socket's folder, localhost, or a loopback address."""
    if not host or host[0] in "/@" or host.lower() in {"localhost", "localhost."}:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
