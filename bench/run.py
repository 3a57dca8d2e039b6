"""Measures a real `ringpost serve`, beside wrk against the same nginx in the same run.

    python -m bench.run              about 80 seconds: throughput and latency
    python -m bench.run isolation    about 90 seconds: what a dead and a dripping receiver cost the healthy ones
    python -m bench.run owed         about 3 minutes: what a million owed deliveries cost
    python -m bench.run decode       about 20 seconds: manager events/s that one source decodes
    python -m bench.run calls        about 2 minutes: a thousand calls at once, from the simulator
    python -m bench.run console      about a minute: each page of the console on a million deliveries
    python -m bench.run … --long     more and longer rounds

Prints events/s accepted and delivered, CPU a delivery, and the latency from acceptance to the receiver; see
the module of each name for the others. All of it shares this machine's cores, so absolute numbers say little
beyond it: compare the ratios to the yardstick. It neither passes nor fails.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from .calls import measure_calls
from .console import measure_console
from .decode import measure_decode
from .isolation import measure_isolation
from .latency import Latency, measure_latency
from .owed import measure_owed
from .programs import Load, Nginx, Service, find, load, missing_programs, nginx, service

_NAMES: Final = ("throughput", "isolation", "owed", "decode", "calls", "console")
_LOW: Final = 100.0  # events/s of the low load


class Round(NamedTuple):
    """yardstick: wrk alone against nginx; accepted, delivered: events/s; cpu: µs of the service for each delivery."""

    yardstick: Load
    accepted: Load
    delivered: float
    cpu: float
    surplus: int  # requests that nginx had beyond the deliveries


def measure_round(number: int, receiver: Nginx, running: Service, arguments: argparse.Namespace) -> Round:
    yardstick = load(
        f"{receiver.url}/", seconds=arguments.seconds, connections=arguments.connections, prefix=f"yard{number}"
    )
    requests, delivered, cpu = receiver.requests(), running.delivered(), running.cpu_seconds()
    began = time.monotonic()
    accepted = load(
        f"{running.url}/v1/events",
        seconds=arguments.seconds,
        connections=arguments.connections,
        prefix=f"r{number}",
        key=running.key,
    )
    more = running.wait_until_delivered() - delivered
    elapsed = time.monotonic() - began
    cpu_each = (running.cpu_seconds() - cpu) / more * 1e6
    return Round(yardstick, accepted, more / elapsed, cpu_each, receiver.requests() - requests - 1 - int(more))


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    with nginx(folder / "nginx") as receiver, service(folder / "service") as running:
        integrations = [running.install(f"{receiver.url}/{n}") for n in range(arguments.integrations)]
        rounds = []
        for number in range(arguments.rounds):
            rounds.append(measure_round(number, receiver, running, arguments))
            print_round(number + 1, rounds[-1])
        for integration in integrations:
            running.delete(integration)
        accepted = statistics.median(one.accepted.per_second for one in rounds)
        half = min(accepted, statistics.median(one.delivered for one in rounds)) / 2
        low = measure_latency(running, per_second=_LOW, seconds=arguments.latency_seconds, prefix="low")
        middle = measure_latency(running, per_second=half, seconds=arguments.latency_seconds, prefix="half")
        print_table(rounds, {_LOW: low, half: middle}, running.memory_mb())


def print_round(number: int, one: Round) -> None:
    print(
        f"round {number}: wrk → nginx {one.yardstick.per_second:,.0f}/s; accepted {one.accepted.per_second:,.0f}/s, "
        f"delivered {one.delivered:,.0f}/s, {one.cpu:.0f} µs CPU a delivery",
        flush=True,
    )
    if one.accepted.refused or one.accepted.failed or one.surplus:
        print(
            f"  refused {one.accepted.refused}, failed {one.accepted.failed}, "
            f"requests at nginx beyond the deliveries {one.surplus}"
        )


def print_table(rounds: list[Round], latencies: dict[float, Latency], memory_mb: float) -> None:
    yardstick = statistics.median(one.yardstick.per_second for one in rounds)
    rows: list[tuple[str, str, str]] = [("wrk → the same nginx", f"{yardstick:,.0f}/s", "1")]
    for name, values in (
        ("events accepted (durable)", [one.accepted.per_second for one in rounds]),
        ("events delivered", [one.delivered for one in rounds]),
    ):
        ratio = statistics.median(value / one.yardstick.per_second for value, one in zip(values, rounds, strict=True))
        rows.append((name, f"{statistics.median(values):,.0f}/s", f"{ratio:.3f}"))
    rows.append(("CPU of the service a delivery", f"{statistics.median(one.cpu for one in rounds):.1f} µs", ""))
    full = [one.accepted for one in rounds]
    p50, p99 = (statistics.median(values) for values in ([one.p50 for one in full], [one.p99 for one in full]))
    rows.append(("sent → accepted, full load, p50 / p99", f"{p50:.1f} / {p99:.1f} ms", ""))
    for rate, found in latencies.items():
        at = f"at {rate:,.0f}/s, p50 / p99"
        rows.append((f"sent → accepted, {at}", f"{found.accept_p50:.1f} / {found.accept_p99:.1f} ms", ""))
        rows.append((f"accepted → received, {at}", f"{found.receive_p50:.1f} / {found.receive_p99:.1f} ms", ""))
        if found.received < found.sent:
            rows.append((f"  not received {at.partition(',')[0]}", f"{found.sent - found.received}", ""))
    rows.append(("most memory of the service", f"{memory_mb:.0f} MB", ""))
    print(f"\n{'median of ' + str(len(rounds)) + ' rounds':44}{'':>20}{'ratio':>10}")
    for name, value, share in rows:
        print(f"{name:44}{value:>20}{share:>10}")


def print_surroundings(folder: Path) -> None:
    wrk = subprocess.run([str(find("wrk")), "-v"], check=False, capture_output=True, text=True).stdout.split("\n")[0]
    web = subprocess.run([str(find("nginx")), "-v"], check=False, capture_output=True, text=True).stderr.strip()
    print(
        f"ringpost {importlib.metadata.version('ringpost')}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {wrk[:12].strip()}, {web.rpartition(' ')[2]}; "
        f"a 4 KiB write with fdatasync takes {sync_ms(folder):.2f} ms in {folder.parent}\n",
        flush=True,
    )


def sync_ms(folder: Path) -> float:
    """The median time of a small durable write where the ledger is: what a commit costs at least."""
    times = []
    with (folder / "probe").open("wb") as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", nargs="?", default="throughput", choices=_NAMES, help="[throughput]")
    parser.add_argument("--long", action="store_true", help="more and longer rounds, about 5 minutes")
    parser.add_argument("--connections", type=int, default=64, help="connections of the load [64]")
    parser.add_argument("--integrations", type=int, default=1, help="how many each event is delivered to [1]")
    parser.add_argument("--folder", default="/var/tmp", help="where the ledger is made, on a real disk [/var/tmp]")
    arguments = parser.parse_args()
    if arguments.name == "decode":
        measure_decode()
        return
    if arguments.name == "console":
        with tempfile.TemporaryDirectory(prefix="ringpost-bench-", dir=arguments.folder) as name:
            measure_console(Path(name))
        return
    if missing := missing_programs():
        sys.exit(f"Needed and not installed: apt-get install {' '.join(missing)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends too
    arguments.rounds, arguments.seconds, arguments.latency_seconds = (
        (7, 10.0, 30.0) if arguments.long else (4, 5.0, 8.0)
    )
    with tempfile.TemporaryDirectory(prefix="ringpost-bench-", dir=arguments.folder) as name:
        folder = Path(name)
        print_surroundings(folder)
        match arguments.name:
            case "throughput":
                measure(arguments, folder)
            case "isolation":
                with service(folder / "service") as running:
                    measure_isolation(running, rounds=arguments.rounds, seconds=2 * arguments.seconds)
            case "owed":
                measure_owed(folder)
            case "calls":
                measure_calls(folder)


if __name__ == "__main__":
    main()
