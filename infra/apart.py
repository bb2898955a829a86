"""Work in a process of its own: it takes neither the time nor the memory of whoever asked for it.

The process ends with the one that started it, however that one ended.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from typing import Any, Final

import msgspec
import psycopg
import structlog

from domain.shared.refusals import Refused
from infra.jobs import Failed, Progress, Work

Opening = Callable[[], AbstractContextManager[Mapping[str, Work]]]
"""Opens works by their kinds; can be pickled."""

_LOOK_SECONDS: Final = 0.25
_NICE: Final = 10
"""Requests come first."""

log = structlog.get_logger("jobs")


class _Told(msgspec.Struct, frozen=True):
    """What comes of the work: its answer as JSON, or why there is none."""

    answer: bytes | None = None
    failed: str | None = None
    lost: str | None = None


def apart(opening: Opening, kind: str) -> Work:
    """Return work of a kind that is done in a process of its own, made anew each time.

    It raises Failed with the reason, and psycopg.OperationalError when its database was lost. What
    `progress` raises ends the process.
    """

    def work(asked: Mapping[str, Any], progress: Progress) -> Any:
        spawning = get_context("spawn")
        heard, tells = spawning.Pipe(duplex=False)
        args = (tells, opening, kind, dict(asked))
        process = spawning.Process(target=_work, args=args, name=f"huike-{kind}", daemon=True)
        process.start()
        tells.close()
        try:
            return _outcome(heard, progress)
        finally:
            process.kill()
            process.join()
            process.close()
            heard.close()

    return work


def _outcome(heard: Connection, progress: Progress) -> Any:
    """Wait for what comes of it, passing on how far it is."""
    share = 0.0
    while True:
        if heard.poll(_LOOK_SECONDS):
            try:
                told = heard.recv()
            except EOFError:
                raise Failed("its process ended before it was done: ask again") from None
            if isinstance(told, _Told):
                break
            share = told
        progress(share)
    if told.lost is not None:
        raise psycopg.OperationalError(told.lost)
    if told.answer is None:
        raise Failed(told.failed)
    return msgspec.Raw(told.answer)


def _work(tells: Connection, opening: Opening, kind: str, asked: Mapping[str, Any]) -> None:
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    os.nice(_NICE)
    try:
        with opening() as works:
            told = _Told(answer=_encode(works[kind](asked, tells.send)))
    except psycopg.OperationalError as error:
        told = _Told(lost=str(error))
    except Refused as refusal:
        told = _Told(failed=str(refusal))
    except Exception as error:  # whatever it is, the asker is told
        log.exception("jobs.failed", kind=kind)
        told = _Told(failed=type(error).__name__)
    tells.send(told)


def end_with_parent() -> None:
    """End this process with the one that started it, however that one ended."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
