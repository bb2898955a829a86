"""What CPU each process of an installation takes for an event, and how many two cores can carry."""

import os
from contextlib import suppress
from statistics import median
from typing import Final
from urllib.parse import urlsplit

import psutil

from infra.postgres import WRITER, connect
from tests.bench.running import Running

Cpu = dict[str, float]
"""Seconds of CPU, or microseconds an event, by process."""

_MICRO: Final = 1_000_000


class Meter:
    """Reads how much CPU an installation's processes took since they began."""

    def __init__(self, running: Running, url: str, kafka: str | None) -> None:
        self._running = running
        self._others: dict[str, psutil.Process] = {}
        with connect(url, WRITER) as connection:
            session = psutil.Process(connection.info.backend_pid)
            postgres = session.parent()
        if postgres is not None:
            self._others["Postgres"] = postgres
        broker = kafka and _listening(urlsplit(f"//{kafka}").port)
        if broker:
            self._others["Kafka"] = broker

    def read(self) -> Cpu:
        followers = {name: psutil.Process(p.pid) for name, p in self._running.processes.items()}
        spent: Cpu = {}
        for name, process in {**followers, **self._others}.items():
            together = name.rstrip("0123456789 ")
            spent[together] = spent.get(together, 0.0) + _of(process)
        return spent


def each(before: Cpu, after: Cpu, events: int) -> Cpu:
    """Return the microseconds an event that lie between two readings."""
    return {n: (s - before.get(n, 0.0)) / events * _MICRO for n, s in after.items()}


def told(rounds: list[Cpu]) -> str:
    """Return the medians in words, and how many events a second they leave room for."""
    if not rounds:
        return ""
    spent = {name: median(cpu.get(name, 0.0) for cpu in rounds) for name in rounds[0]}
    cores = os.cpu_count() or 1
    most = cores * _MICRO / max(sum(spent.values()), 1.0)
    parts = ", ".join(f"{name} {cpu:.0f}" for name, cpu in spent.items())
    return f"µs of CPU an event: {parts}; {cores} cores are full at {most:,.0f} events/s"


def _of(process: psutil.Process) -> float:
    """Return what a process took, with those that it started, whether they still run or not."""
    times = process.cpu_times()
    spent = times.user + times.system + times.children_user + times.children_system
    for child in process.children():
        with suppress(psutil.NoSuchProcess):
            its = child.cpu_times()
            spent += its.user + its.system
    return float(spent)


def _listening(port: int | None) -> psutil.Process | None:
    for connection in psutil.net_connections("tcp"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr
        if listens and listens.port == port and connection.pid:
            return psutil.Process(connection.pid)
    return None
