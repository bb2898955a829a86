"""The walk goes through every door, and finds behind each what it should."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate.pages import REFERENCE
from tests.docs.running import service

COUNTED = """
import json
from docs import somebody, walkthrough
walkthrough.main()
print(json.dumps(sorted(somebody.Somebody.seen)))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_walk_goes_through_every_door(database_url: str, tmp_path: Path) -> None:
    with service(database_url, tmp_path, HUIKE_ERASURE_DAYS="0") as environment:
        done = subprocess.run(
            [sys.executable, "-c", COUNTED],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = [f"{method} {path}" for method, path in json.loads(done.stdout.splitlines()[-1])]
    assert [door for door in doors() if not any(opens(door, one) for one in seen)] == []


def doors() -> list[str]:
    told = json.loads((REFERENCE / "openapi.json").read_text(encoding="utf-8"))
    return [f"{verb.upper()} {path}" for path, verbs in told["paths"].items() for verb in verbs]


def opens(door: str, seen: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", door), seen) is not None
