"""An Apache Kafka of our own in a folder: one node, made for tests and measurements."""

import shutil
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import psutil
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from infra.dev import kafka_install
from infra.dev.kafka_install import KafkaUnavailable
from infra.dev.server import EmbeddedServer

_START_SECONDS = 90
_STOP_SECONDS = 30
_QUICKLY = "-XX:TieredStopAtLevel=1"  # compiled once, not better and better
_CONFIGURATION = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
"""


class EmbeddedKafka(EmbeddedServer):
    """One node in one folder, on loopback, its ports chosen once and kept.

    `brief`: it is not measured and lives for minutes; it starts in two thirds of the time.
    """

    def __init__(self, directory: Path, *, brief: bool = False) -> None:
        super().__init__(directory)
        self._brief = brief
        self._settings = self.directory / "server.properties"
        self._pid = self.directory / "pid"

    @property
    def bootstrap(self) -> str:
        listeners = self._settings.read_text().split("listeners=PLAINTEXT://", 1)[1]
        return listeners.split(",", 1)[0]

    def prepare(self) -> Path:
        """Make its settings and storage unless they are there; return the file of settings."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._alone():
            if not self._settings.exists():
                broker, controller = _free_ports(2)
                data = self.directory / "data"
                self._format(_CONFIGURATION.format(broker=broker, controller=controller, data=data))
        return self._settings

    def start(self) -> str:
        self.prepare()
        with self._alone():
            if not self.running:
                self._launch()
            self._await_ready()
        return self.bootstrap

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the node as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> str:
        self.stop()
        return self.start()

    def wipe(self) -> None:
        """Lose everything at once, as a broker does whose disk is replaced; its ports stay."""
        self.kill()
        with self._alone():
            shutil.rmtree(self.directory / "data")
            self._format(self._settings.read_text())

    def _format(self, configuration: str) -> None:
        draft = self._settings.with_suffix(".new")
        draft.write_text(configuration)
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        command = [
            *self._java(_QUICKLY, "kafka.tools.StorageTool"),
            *(
                "format",
                "--ignore-formatted",
                "--standalone",
                f"--cluster-id={cluster}",
                "-c",
                draft,
            ),
        ]
        made = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_START_SECONDS
        )
        if made.returncode:
            said = (made.stderr + made.stdout).strip()
            raise KafkaUnavailable(f"Kafka could not make its storage ({made.returncode}): {said}")
        draft.rename(self._settings)

    def _launch(self) -> None:
        """Start the node as nobody's child."""
        compiled = (_QUICKLY,) if self._brief else ()
        options = ("-Xmx512m", "-XX:+UseSerialGC", *compiled, "kafka.Kafka", self._settings)
        detach = 'log=$1 pid=$2; shift 2; "$@" >>"$log" 2>&1 </dev/null & echo $! >"$pid"'
        subprocess.run(
            ["/bin/sh", "-c", detach, "sh", self.log, self._pid, *self._java(*options)],
            check=True,
            start_new_session=True,  # Ctrl-C is for us; we tell it when
            timeout=_START_SECONDS,
        )

    def _java(self, *arguments: str | Path) -> list[str | Path]:
        return [kafka_install.java(), "-cp", f"{kafka_install.jars()}/*", *arguments]

    def _server(self) -> psutil.Process | None:
        try:
            server = psutil.Process(int(self._pid.read_text()))
            command = server.cmdline()
            becomes_java = not command
            ours = becomes_java or str(self._settings) in command
            return server if ours and server.status() != psutil.STATUS_ZOMBIE else None
        except (FileNotFoundError, ValueError, psutil.Error):
            return None

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.running:
            if self._answers():
                return
            time.sleep(0.2)
        raise KafkaUnavailable(f"Kafka did not start {self._last_words()}")

    def _answers(self) -> bool:
        host, port = self.bootstrap.split(":")
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
            with closing(KafkaAdminClient(bootstrap_servers=self.bootstrap)) as admin:
                return bool(admin.describe_cluster()["brokers"])
        except (OSError, KafkaError):
            return False

    def _end(self, how: signal.Signals) -> None:
        if not self.directory.exists():
            return
        with self._alone():
            for attempt in (how, signal.SIGKILL):
                if (server := self._server()) is None:
                    return
                with suppress(psutil.NoSuchProcess):
                    server.send_signal(attempt)
                deadline = time.monotonic() + _STOP_SECONDS
                while self.running and time.monotonic() < deadline:
                    time.sleep(0.02)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
