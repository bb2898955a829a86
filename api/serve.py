"""The HTTP server: one process, until it is told to stop; then it finishes what was begun."""

import gc
import signal
import sys
from typing import Final

import structlog
import uvicorn

from infra import logging
from infra.installation import prepare as prepare_log
from infra.listening import listen
from infra.postgres import connect
from infra.settings import Settings
from projections.runtime import schema

SWITCH_SECONDS: Final = 0.0005
"""How long the log's thread waits for the interpreter while requests are read: each commit does
so several times, and by Python's own 5 ms it would wait longer for that than for the disk."""

STOP_SECONDS: Final = 20
"""How long requests in hand may go on after SIGTERM."""

log = structlog.get_logger()


def serve(settings: Settings) -> None:
    """Answer HTTP until SIGTERM or Ctrl-C.

    Raises CannotListen, NoDatabase, KeyringLost, OSError, psycopg.Error.
    """
    logging.configure(settings.log_level)
    door = listen(settings.host, settings.port)
    prepare(settings)
    from api.app import create_app  # noqa: PLC0415  # who may not start has not loaded it
    from api.services import Services  # noqa: PLC0415

    with Services(settings) as services:
        app = create_app(services)
        gc.collect()
        gc.freeze()  # what lives as long as the process is never looked at again
        gc.set_threshold(50_000, 20, 50)
        sys.setswitchinterval(SWITCH_SECONDS)
        configuration = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,  # the door keeps one
            server_header=False,
            proxy_headers=False,  # nothing depends on what a proxy says of who asked
            timeout_graceful_shutdown=STOP_SECONDS,
            timeout_keep_alive=30,
            loop="uvloop",
            http="httptools",
        )
        server = uvicorn.Server(configuration)

        def finish(*_: object) -> None:  # is also told, once all is answered, what it was told
            server.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, finish)
        log.info("serving", host=settings.host, port=settings.port)
        server.run(sockets=[door])
    log.info("served")


def prepare(settings: Settings) -> None:
    """Bring the log's tables up to date, and make those that all views share."""
    if settings.log_url is None or settings.views_or_log_url is None:
        return
    prepare_log(settings.log_url, settings.keyring_file, settings.vault)
    with connect(settings.views_or_log_url) as admin:
        schema.install(admin)
