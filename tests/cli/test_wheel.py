"""The built wheel, installed elsewhere, is all that is needed."""

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.cli.running import ROOT, Installation, track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PACKAGES = ("domain", "commands", "projections", "api", "consumers", "infra")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "pip", *build, "--wheel-dir", str(folder), str(ROOT)],
        cwd=folder,
        check=True,
        timeout=120,
    )
    (built,) = folder.glob("huike-*.whl")
    return built


class Elsewhere(Installation):
    """A folder and an environment that know nothing of the checkout."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        super().__init__(folder)
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")],
            check=True,
            timeout=60,
        )
        python = folder / "venv/bin/python"
        place = next((folder / "venv/lib").iterdir()) / "site-packages"
        dependencies = _without_checkout(Path(sysconfig.get_path("purelib")), folder)
        (place / "dependencies.pth").write_text(f"{dependencies}\n")
        install = ["install", "--no-deps", "--no-index", "--quiet", str(wheel)]
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(python), *install],
            cwd=folder,
            check=True,
            timeout=120,
        )
        del self.environment["PYTHONPATH"]
        self._huike = folder / "venv/bin/huike"

    def command(self, *arguments: str) -> list[str]:
        return [str(self._huike), *arguments]

    def found(self) -> Path:
        """Return where Python finds us."""
        found = subprocess.run(
            [str(self._huike.with_name("python")), "-c", "import infra; print(infra.__file__)"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return Path(found.stdout.strip())


def _without_checkout(installed: Path, folder: Path) -> Path:
    """Return a folder with links to all that is installed, but to nothing of ours."""
    links = folder / "dependencies"
    links.mkdir()
    for thing in installed.iterdir():
        ours = thing.name.startswith(("huike", "_huike")) or thing.suffix == ".pth"
        if not ours:
            (links / thing.name).symlink_to(thing)
    return links


def test_it_holds_every_file_that_is_read(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        names = set(opened.namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not path.name.startswith(".")
    }
    assert {"infra/dev/kafka.pom.xml", "infra/migrations/0001_log.sql"} <= wanted
    assert not wanted - names
    kinds = {name.split("/", 1)[0] for name in names}
    assert {k for k in kinds if not k.endswith(".dist-info")} == {*PACKAGES, "huike.py"}


def test_it_runs_where_there_is_no_checkout(run_root: Path, wheel: Path) -> None:
    installation = Elsewhere(Path(tempfile.mkdtemp(dir=run_root)), wheel)
    helped = installation.run("--help")
    assert helped.returncode == 0, helped.stderr
    assert "huike demo" in helped.stdout
    assert installation.found().is_relative_to(installation.folder)
    with installation.up() as up:
        with installation.client(installation.key("ingest")) as client:
            answer = client.post("/v1/track", json=track(1, "ada"))
            assert answer.json()["results"][0]["status"] == "accepted", answer.text
        verified = installation.run("verify", "profile")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        benched = installation.run("bench")
        assert benched.returncode == 2
        assert "in the repository" in benched.stdout + benched.stderr
    assert up.returncode == 0
