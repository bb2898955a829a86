"""Documents that are run: a service of their own, their blocks in order, their output compared."""

import doctest
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.ports import free_port

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"

_BLOCK: Final = re.compile(
    r"^```(\w+)\n(.*?)^```\n(?:^```(?:text|json)\n(.*?)^```$)?", re.MULTILINE | re.DOTALL
)
_START_SECONDS: Final = 60
_RUN_SECONDS: Final = 180


class Block(NamedTuple):
    """A block of a page: what runs, and what it prints (None: nothing is said of it)."""

    language: str
    code: str
    printed: str | None


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page that are run: sh and python."""
    found = [Block(*groups) for groups in _BLOCK.findall(page.read_text(encoding="utf-8"))]
    return [block for block in found if block.language in {"sh", "python"}]


def run(page: Path, folder: Path, environment: Mapping[str, str]) -> None:
    """Run a page's blocks, one after the other in one shell; compare what they print."""
    script = ["set -eu -o pipefail"]
    wanted = blocks(page)
    for number, block in enumerate(wanted):
        if block.language == "python":
            (folder / f"block-{number}.py").write_text(block.code, encoding="utf-8")
            script.append(f"python block-{number}.py")
        else:
            script.append(block.code)
        script.append("printf '\\n@@@\\n'")
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],  # noqa: S607  # whichever bash there is
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    printed = done.stdout.split("\n@@@\n")
    for block, got in zip(wanted, printed, strict=False):
        if block.printed:
            assert _same(block.printed, got), f"{block.code}\nprinted\n{got}\n{done.stderr}"
    where = wanted[len(printed) - 1].code if len(printed) <= len(wanted) else ""
    assert done.returncode == 0, f"{where}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def _same(wanted: str, got: str) -> bool:
    got = got.rstrip("\n") + "\n"
    return doctest.OutputChecker().check_output(
        wanted, got, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )


def surroundings(database_url: str, folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of an installation of its own."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("HUIKE_")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HUIKE_LOG_URL": database_url,
        "HUIKE_HOME": str(folder / "home"),
        "HUIKE_PORT": str(free_port()),
        "HUIKE_SLOTS": "4",
        **more,
    }


@contextmanager
def service(
    database_url: str, folder: Path, *, worker: str = "views", **more: str
) -> Iterator[dict[str, str]]:
    """Run a server and a worker on a database; give the environment that finds them."""
    environment = surroundings(database_url, folder, **more)
    with ExitStack() as stack:
        for part in (["serve"], ["work", worker]):
            stack.enter_context(_process(part, folder, environment))
            _await(f"http://127.0.0.1:{environment['HUIKE_PORT']}/ready", folder)
        yield environment


@contextmanager
def _process(part: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    with (folder / f"{part[0]}.log").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "huike", *part],
            cwd=folder,
            env=dict(environment),
            stdout=out,
            stderr=out,
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _await(address: str, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310  # our own
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    logs = "\n".join(log.read_text(errors="replace")[-2000:] for log in folder.glob("*.log"))
    raise AssertionError(f"{address} does not answer\n{logs}")
