"""The load: wrk on a processor of its own, one request over and over, on connections that stay open."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from benchmarks import peers
from benchmarks.measure import Trouble
from benchmarks.processes import cpu_seconds
from benchmarks.processes import said as ended
from benchmarks.serving.servers import Server

SETTLE_S = 2.0
PATIENCE_S = 30  # for one answer
JSON = {"Content-Type": "application/json"}
SCRIPT = """
wrk.method = "POST"
%s
wrk.body = io.open("%s", "rb"):read("*a")

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests": %%d, "us": %%d, "p50": %%.1f, "p99": %%.1f, "refused": %%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """What one load found."""

    per_s: float
    per_cpu_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Wrk:
    """The generator, ready; ``folder`` holds its script."""

    command: list[str]
    env: dict[str, str]
    folder: Path
    cpu: int | None

    def load(
        self, server: Server, body: str | bytes, *, connections: int, seconds: int, headers: Mapping[str, str] = JSON
    ) -> Answered:
        """Ask a server as often as it answers. What it does about requests after it answered them counts as theirs.

        Raises
        ------
        Trouble
            If a request was refused or went unanswered, or none was answered.
        """
        script, sent = self.folder / "load.lua", self.folder / "load.body"
        sent.write_bytes(body if isinstance(body, bytes) else body.encode())
        said = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
        script.write_text(SCRIPT % (said, sent))
        pinned = [] if self.cpu is None else ["taskset", "-c", str(self.cpu)]
        given = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{PATIENCE_S}s", "-s", str(script)]
        words = [*self.command, *given, server.url]
        before = cpu_seconds(server.session)
        done = subprocess.run(
            [*pinned, *words], env={**os.environ, **self.env}, capture_output=True, text=True, check=False
        )
        sleep(SETTLE_S)
        server.settle()
        took = cpu_seconds(server.session) - before
        found = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
        if done.returncode or found is None:
            raise Trouble(ended("wrk", done.returncode, done.stderr))
        result = json.loads(found.removeprefix("RESULT "))
        if result["refused"]:
            raise Trouble(f"{result['refused']} of {result['requests']} requests failed")
        count = result["requests"]
        if not count:
            raise Trouble(f"nothing was answered in {seconds} s")
        return Answered(count / result["us"] * 1e6, count / took, result["p50"] / 1000, result["p99"] / 1000)


def wrk(folder: Path, cpu: int | None) -> Wrk:
    """The generator; ``Trouble`` if it cannot be had."""
    command, env = peers.wrk()
    return Wrk(command, env, folder, cpu)
