"""Somebody with a key, for the walk: knocks at doors, and says what was behind them."""

import subprocess
import sys
import time
from typing import Any, ClassVar, Final

import httpx2
import typer

from infra.settings import Settings

PATIENCE: Final = 60.0


class Somebody:
    """Somebody with a key, who knocks at doors; `seen` is every door that opened."""

    seen: ClassVar[set[tuple[str, str]]] = set()
    latest: ClassVar[int] = 0
    """The position of the last thing that anybody did."""

    def __init__(self, name: str, *scopes: str) -> None:
        self.name = name
        self.key = huike("keys", "add", name, *(w for s in scopes for w in ("--scope", s)))
        self._http = httpx2.Client(
            base_url=f"http://127.0.0.1:{Settings().port}",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=30,
        )

    def says(self, what: str) -> None:
        typer.echo(f"{self.name}: {what}")

    def asks(self, path: str, *, waiting: bool = True, **wanted: Any) -> Any:
        """Ask, and wait for what was done before; a job is waited for."""
        if waiting:
            wanted["position"] = Somebody.latest
        answer = self.knock("GET", path, params=wanted).json()
        return self.job(answer["job"]) if "job" in answer else answer

    def looks_up(self, **by: str) -> list[dict[str, Any]]:
        """Return the customers of an address, a number or an id, knowing what was done before."""
        known = {"position": Somebody.latest}
        answer = self.knock("POST", "/api/customers/look-up", params=known, json=by)
        found: list[dict[str, Any]] = answer.json()["customers"]
        return found

    def job(self, job: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            told = self.knock("GET", f"/api/jobs/{job}").json()
            if told["state"] in {"done", "failed"}:
                assert told["state"] == "done", told["error"]
                return told["answer"]
            time.sleep(0.1)
        raise TimeoutError(job)

    def does(self, method: str, path: str, headers: Any = None, **body: Any) -> Any:
        answer = self.knock(method, path, json=body or None, headers=headers)
        Somebody.latest = max(Somebody.latest, int(answer.headers.get("X-Position", 0)))
        return answer.json()

    def is_refused(self, status: int, method: str, path: str, **more: Any) -> Any:
        answer = self._http.request(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def knock(self, method: str, path: str, **more: Any) -> httpx2.Response:
        answer = self._http.request(method, path, **more)
        assert answer.is_success, f"{self.name}: {method} {path}: {answer.text}"
        self.seen.add((method, path))
        return answer


def huike(*words: str) -> str:
    """Run a command of the command line, and return the last line that it prints."""
    done = subprocess.run(  # noqa: S603  # our own command line
        [sys.executable, "-m", "huike", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"huike {' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
