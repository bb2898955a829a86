"""The socket that the HTTP server listens on: had, or refused with a reason."""

import errno
import socket
import time
from typing import Final

_PAUSE: Final = 0.1


class CannotListen(Exception):
    """The address is somebody else's, or not this machine's; set HUIKE_HOST or HUIKE_PORT."""


def listen(host: str, port: int, *, patience: float = 0.0) -> socket.socket:
    """Return a bound socket; wait `patience` seconds for one that is still in use.

    Raises CannotListen.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return _bound(host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(_PAUSE)
                continue
            raise CannotListen(_why(host, port, error)) from error


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(2048)
    except OSError:
        made.close()
        raise
    return made


def _why(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} is in use: stop what listens there, or set HUIKE_PORT to another"
        case errno.EACCES:
            return f"Port {port} is not allowed to this user: set HUIKE_PORT to one above 1023"
        case _:
            return f"Cannot listen on {host}: {error.strerror or error}; set HUIKE_HOST"
