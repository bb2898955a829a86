"""Connections to Postgres and to Kafka stall: no byte comes any more, and nobody closes them."""

import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from infra.dev.kafka import EmbeddedKafka
from infra.dev.postgres import EmbeddedPostgres
from infra.postgres import PATIENCE_SECONDS
from infra.settings import Settings
from tests.cli.running import Installation, await_that, track
from tests.drills.asking import Asking
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.load import Load
from tests.drills.looking import followed, head, look
from tests.drills.proxy import Proxy

BOUND_SECONDS = 4.5 * PATIENCE_SECONDS
_WAIT_SECONDS = 6 * PATIENCE_SECONDS
_COPYING = b"copy log.fact"
"""The worst moment: the log's lock is held, and no time-out of Postgres' ends a COPY."""
ADA = "/api/customers/by/user/ada"


def run(ground: Ground, found: Findings) -> None:
    """Stall everything that is connected, once for each server."""
    with ExitStack() as stack:
        server = ground.postgres()
        assert server.port is not None
        to_postgres = stack.enter_context(Proxy(server.port))
        more = {"HUIKE_LOG_URL": _through(server, ground.database(server), to_postgres)}
        stalls = [("Postgres", to_postgres, _COPYING)]
        if not ground.short:
            to_kafka, kafka = _kafka(ground, stack)
            more |= ground.with_kafka(kafka)
            stalls.append(("Kafka", to_kafka, b""))
        installation = ground.installation(**more)
        stack.enter_context(installation.up())
        _run(found, installation, stalls)


def _run(
    found: Findings, installation: Installation, stalls: list[tuple[str, Proxy, bytes]]
) -> None:
    settings = settings_of(installation)
    client = installation.client(installation.key("ingest", "query"))
    with client, Load(installation.url, installation.key("ingest"), pause=0.1) as load:
        client.post("/v1/track", json=track(1, "ada")).raise_for_status()
        load.accepted.add("message-1")
        with Asking(client, ADA) as asking:
            for name, proxy, after in stalls:
                time.sleep(2)
                stalled = proxy.stall(after)
                seconds = _until_followed(installation, settings)
                found.note(f"{stalled} connections to {name} stalled")
                found.claim(
                    f"all goes on within {BOUND_SECONDS:.0f} s",
                    held=seconds <= BOUND_SECONDS,
                    found=f"{seconds:.0f} s",
                )
        asking.look(found)
    look(found, settings, [load])


def _until_followed(installation: Installation, settings: Settings) -> float:
    """Wait until what is recorded from now on is in every view; return how long it took."""
    began = time.monotonic()
    last = head(settings)
    time.sleep(1)  # what was on its way has come
    last = head(settings)
    await_that(lambda: head(settings) > last, installation.told, _WAIT_SECONDS)
    last = head(settings)
    await_that(lambda: followed(settings) >= last, installation.told, _WAIT_SECONDS)
    return time.monotonic() - began


def _through(server: EmbeddedPostgres, database: str, proxy: Proxy) -> str:
    """Return a database's address by way of a proxy."""
    place = urlsplit(server.tcp_url)
    place = place._replace(
        netloc=place.netloc.replace(f":{server.port}", f":{proxy.port}"),
        path=urlsplit(database).path,
    )
    return place.geturl()


def _kafka(ground: Ground, stack: ExitStack) -> tuple[Proxy, str]:
    """Start a Kafka that tells its clients the address of a proxy before it."""
    kafka: EmbeddedKafka = ground.own_kafka()
    host, port = kafka.bootstrap.split(":")
    proxy = stack.enter_context(Proxy(int(port)))
    kafka.stop()
    with (kafka.directory / "server.properties").open("a") as told:
        told.write(f"advertised.listeners=PLAINTEXT://{host}:{proxy.port}\n")
    kafka.start()
    return proxy, f"{host}:{proxy.port}"


STALL = Drill(
    name="stall",
    must_hold="When connections to Postgres and to Kafka stall (no byte comes, no end), "
    f"time-outs bring everything back within {BOUND_SECONDS:.0f} s, and nothing accepted is lost.",
    run=run,
    fits=False,
)
