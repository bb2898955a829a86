"""What the keyring's own keys are wrapped by, when it is not in this machine: a KMS, by a command.

`COMMAND wrap NAME` reads a key from its standard input and writes it wrapped; `COMMAND unwrap NAME`
does the reverse; `COMMAND destroy NAME` makes sure that nothing of that name is unwrapped again,
where the KMS can do so. NAME is `secret` or `epoch-NUMBER`. It ends with 0 when it was done.
"""

import os
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

KEY_BYTES: Final = 32
"""How long each key is that is wrapped."""

PATIENCE_SECONDS: Final = 60.0

_LARGEST: Final = 1 << 16
"""Bytes of a wrapped key."""


class VaultFailed(Exception):
    """The command of HUIKE_EPOCH_COMMAND did not do what it was asked."""


class Vault(Protocol):
    """Wraps keys by another key, which never leaves it."""

    def wrap(self, name: str, key: bytes) -> bytes:
        """Return a key wrapped. Raises VaultFailed."""

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """Return what was wrapped under a name. Raises VaultFailed."""

    def destroy(self, name: str) -> None:
        """Have nothing of a name unwrapped again; done already is done. Raises VaultFailed."""


class Command:
    """A vault that is asked by a program of the operator's."""

    def __init__(self, line: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Take a program and its arguments, quoted as in a shell. Raises ValueError."""
        self._words = shlex.split(line)
        if not self._words:
            raise ValueError("names no program")
        self._seconds = seconds

    @property
    def program(self) -> str:
        return Path(self._words[0]).name

    def wrap(self, name: str, key: bytes) -> bytes:
        """Return a key wrapped, having looked that it can be unwrapped. Raises VaultFailed."""
        wrapped = self._run("wrap", name, key)
        if not wrapped or len(wrapped) > _LARGEST:
            raise self._failed("wrap", name, f"it wrote {len(wrapped):,} bytes")
        if key in wrapped:
            raise self._failed("wrap", name, "it gave back what it was given")
        if self._run("unwrap", name, wrapped) != key:
            raise self._failed("wrap", name, "what it wrote is unwrapped to something else")
        return wrapped

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """Return what was wrapped under a name. Raises VaultFailed."""
        key = self._run("unwrap", name, wrapped)
        if len(key) != KEY_BYTES:
            raise self._failed("unwrap", name, f"it wrote {len(key):,} bytes, not {KEY_BYTES}")
        return key

    def destroy(self, name: str) -> None:
        """Have nothing of a name unwrapped again; done already is done. Raises VaultFailed."""
        self._run("destroy", name, b"")

    def _run(self, verb: str, name: str, given: bytes) -> bytes:
        """Run the program; nothing that it is given or says gets into an argument or an error."""
        try:
            program = subprocess.Popen(  # noqa: S603  # the operator's own
                [*self._words, verb, name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={n: v for n, v in os.environ.items() if not n.startswith("HUIKE_")},
                start_new_session=True,
            )
        except OSError as error:
            raise self._failed(verb, name, f"it does not start: {error.strerror}") from None
        with program:
            try:
                told, _ = program.communicate(given, self._seconds)
            except subprocess.TimeoutExpired:
                late = f"it took longer than {self._seconds:,g} seconds"
                raise self._failed(verb, name, late) from None
            finally:
                with suppress(ProcessLookupError, PermissionError):  # and whatever it started
                    os.killpg(program.pid, signal.SIGKILL)
        if program.returncode:
            raise self._failed(verb, name, f"it ended with {program.returncode}")
        return told

    def _failed(self, verb: str, name: str, why: str) -> VaultFailed:
        return VaultFailed(f"{self.program} (HUIKE_EPOCH_COMMAND) did not {verb} {name}: {why}")
