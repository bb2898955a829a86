"""Logs: for people in a terminal, JSON everywhere else; libraries' own logs join in."""

import logging
import sys
from typing import Final, TextIO

import structlog

_SHARED: Final[tuple[structlog.typing.Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)
_CHATTY: Final = ("uvicorn.access", "uvicorn.error", "kafka", "httpx", "httpx2", "asyncio")
_TRACES: Final = frozenset({"exception", "stack"})
"""What is ours, and of many lines."""

_BUSY: Final = "kafka.net.selector"
"""Warns of every tenth of a second that it waited for others on a busy machine."""


def configure(
    level: str = "INFO",
    *,
    as_json: bool | None = None,
    out: TextIO = sys.stderr,
    for_good: bool = True,
) -> None:
    """Send every log line of this process to `out`.

    `as_json` None: unless it is a terminal; `for_good`: loggers do not look whether it changed.
    """
    structured = not out.isatty() if as_json is None else as_json
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(structured=structured),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger(_BUSY).setLevel(logging.ERROR)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    structlog.configure(
        processors=[
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=for_good,
    )


def _rendering(*, structured: bool) -> tuple[structlog.typing.Processor, ...]:
    if structured:
        return (
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # may be personal
            ),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        )
    return (
        _obeyed_by_none,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    )


def _obeyed_by_none(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Write out what a terminal would obey; JSON does so by itself."""
    return {
        name: _written_out(value) if isinstance(value, str) and name not in _TRACES else value
        for name, value in event.items()
    }


def _written_out(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
