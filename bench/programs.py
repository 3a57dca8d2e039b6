"""The programs that a measurement runs: nginx as the receiver, wrk as the load, `ringpost serve` as what is measured.

Each is a process of its own on loopback and ends with its `with` block.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

NEEDED: Final = {"nginx": "nginx-light", "wrk": "wrk"}  # program: Debian's package
COMPANY: Final = "it_bench"
_SCRIPT: Final = Path(__file__).with_name("events.lua")
_PATIENCE: Final = 300  # seconds for a start
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_NGINX_CONFIG: Final = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /status {{ stub_status; }}
    location / {{ return 204; }}
  }}
}}
"""


def missing_programs() -> list[str]:
    """Debian's packages of the programs that are not installed."""
    return [package for program, package in NEEDED.items() if find(program) is None]


def find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Load(NamedTuple):
    """What one run of wrk came to. p50, p99: ms from a request to its whole reply."""

    per_second: float
    refused: int
    failed: int
    p50: float
    p99: float


def load(url: str, *, seconds: float, connections: int, prefix: str, key: str = "-") -> Load:
    """Post events to this URL with wrk, one thread of it."""
    base, slash, path = url.partition("/v1/")
    command = [str(find("wrk")), "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "-s", str(_SCRIPT)]
    arguments = ["--", prefix, str(8 * connections), f"{slash}{path}" or "/", key]
    output = subprocess.run([*command, base, *arguments], check=True, capture_output=True, text=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT "))
    found = {name: int(value) for name, _, value in (part.partition("=") for part in line.split()[1:])}
    per_second = (found["requests"] - found["refused"]) / found["microseconds"] * 1e6
    return Load(per_second, found["refused"], found["failed"], found["p50"] / 1e3, found["p99"] / 1e3)


class Nginx:
    """A receiver that answers 204 to everything."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def requests(self) -> int:
        """How many requests it had (this question included)."""
        with urllib.request.urlopen(f"{self.url}/status", timeout=10) as answer:
            return int(answer.read().split()[9])


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    folder.mkdir(parents=True)
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX_CONFIG.format(folder=folder, port=port))
    with _process([str(find("nginx")), "-c", str(config), "-e", str(folder / "error.log")], folder) as process:
        _wait_for_port(port, process, folder)
        yield Nginx(port)


class Service:
    """A running `ringpost serve` on a data folder of its own."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, operator_key: str, began: float) -> None:
        """began: when its start began, on the monotonic clock."""
        self.url = url
        self._stat = Path(f"/proc/{process.pid}/stat")
        self._status = Path(f"/proc/{process.pid}/status")
        self._operator_key = operator_key
        self._request("GET", "/readyz")
        self.start_seconds = time.monotonic() - began  # until it was ready
        self.start_memory_mb = self.memory_now_mb()
        self.key: str = self.ask("POST", "/v1/keys", {"role": "source", "company": COMPANY, "name": "bench"})["key"]

    def install(self, target: str) -> str:
        """Install a webhook for all events; its id."""
        body = {"type": "webhook", "url": target, "company": COMPANY, "filter": ["*"]}
        integration: str = self.ask("POST", "/v1/integrations", body)["id"]
        return integration

    def delete(self, integration: str) -> None:
        self.ask("DELETE", f"/v1/integrations/{integration}")

    def ask(self, method: str, path: str, body: object = None) -> Any:
        return json.loads(self._request(method, path, body))["result"]

    def count(self, metric: str, label: str = "") -> float:
        """The sum of a metric's samples that have this in their labels."""
        lines = self._request("GET", "/metrics").decode().splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.split("{")[0].split(" ")[0] == metric and label in line
        )

    def delivered(self) -> float:
        return self.count("ringpost_deliveries_total", 'outcome="delivered"')

    def wait_until_delivered(self) -> float:
        """Wait until nothing is owed; how many were delivered since the start."""
        while self.count("ringpost_deliveries_owed"):
            time.sleep(0.02)
        return self.delivered()

    def cpu_seconds(self) -> float:
        """CPU time that the process has used, all of its threads (see proc(5), fields 14 and 15)."""
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self) -> float:
        """The most memory that the process has held (VmHWM)."""
        return self._memory_mb("VmHWM")

    def memory_now_mb(self) -> float:
        """The memory that the process holds (VmRSS)."""
        return self._memory_mb("VmRSS")

    def _memory_mb(self, name: str) -> float:
        line = next(line for line in self._status.read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024

    def _request(self, method: str, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self._operator_key}", "content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: bytes = answer.read()
            return content


@contextlib.contextmanager
def service(folder: Path, *program: str) -> Iterator[Service]:
    """Run the service with its defaults, but for the port and that it may deliver to loopback. Its data is in the
    folder `data` of this one, which may be there already. program: a module, and its arguments, to run in its place."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RINGPOST_")}
    environment |= {
        "RINGPOST_DATA": str(folder / "data"),
        "RINGPOST_PORT": "0",
        "RINGPOST_ALLOW_NETWORKS": "127.0.0.0/8",
        "RINGPOST_LOG_LEVEL": "warning",
    }
    began = time.monotonic()
    module = program or ("ringpost", "serve")
    with _process([sys.executable, "-m", *module], folder, environment) as process:
        found = folder / "data" / "service.json"
        _wait(found.exists, process, folder)
        told = json.loads(found.read_text())
        yield Service(process, told["url"], told["key"], began)


@contextlib.contextmanager
def _process(
    command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_port(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    _wait(answers, process, folder)


def _wait(condition: Any, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"It did not start:\n{(folder / 'output').read_text()}")
        time.sleep(0.02)
