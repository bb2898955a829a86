"""The HTTP server: one process, until it is told to stop; then it finishes what was begun."""

import gc
from typing import Final

import uvicorn

from api.app import create_app
from api.services import Services
from infra import logging
from infra.migrations import migrate
from infra.postgres import connect
from infra.settings import Settings
from projections.runtime import schema

STOP_SECONDS: Final = 20
"""How long requests in hand may go on after SIGTERM."""


def serve(settings: Settings) -> None:
    """Answer HTTP until SIGTERM or Ctrl-C. Raises NoDatabase, psycopg.Error."""
    logging.configure(settings.log_level)
    prepare(settings)
    with Services(settings) as services:
        app = create_app(services)
        gc.collect()
        gc.freeze()  # what lives as long as the process is never looked at again
        gc.set_threshold(50_000, 20, 50)
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,  # the door keeps one
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
            timeout_keep_alive=30,
            loop="uvloop",
            http="httptools",
        )


def prepare(settings: Settings) -> None:
    """Bring the log's tables up to date, and make those that all views share."""
    if settings.log_url is None or settings.views_or_log_url is None:
        return
    migrate(settings.log_url)
    with connect(settings.views_or_log_url) as admin:
        schema.install(admin)
