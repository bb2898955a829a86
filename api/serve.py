"""The HTTP server: one process, uvicorn with uvloop and httptools."""

import gc

import uvicorn

from api.app import create_app
from api.services import Services
from infra import logging
from infra.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until SIGTERM, which lets requests finish."""
    logging.configure(settings.log_level)
    with Services(settings) as services:
        app = create_app(services)
        gc.collect()
        gc.freeze()  # what is here stays: collections need not look at it again
        gc.set_threshold(50_000, 20, 20)
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http="httptools",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=15,
            backlog=2048,
        )
