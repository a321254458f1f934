"""The load: wrk on a processor of its own, one request over and over, on connections that stay open."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from benchmarks import peers
from benchmarks.measure import Trouble
from benchmarks.processes import cpu_seconds, said
from benchmarks.serving.servers import Server

SETTLE_S = 2.0
SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[%s]==]

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

    def load(self, server: Server, body: str, *, connections: int, seconds: int) -> Answered:
        """Ask a server as often as it answers. What it does about requests after it answered them counts as theirs.

        Raises
        ------
        Trouble
            If a request was refused or went unanswered.
        """
        script = self.folder / "load.lua"
        script.write_text(SCRIPT % body)
        pinned = [] if self.cpu is None else ["taskset", "-c", str(self.cpu)]
        words = [*self.command, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), server.url]
        before = cpu_seconds(server.session)
        done = subprocess.run(
            [*pinned, *words], env={**os.environ, **self.env}, capture_output=True, text=True, check=False
        )
        sleep(SETTLE_S)
        server.settle()
        took = cpu_seconds(server.session) - before
        found = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
        if done.returncode or found is None:
            raise Trouble(said("wrk", done.returncode, done.stderr))
        result = json.loads(found.removeprefix("RESULT "))
        if result["refused"]:
            raise Trouble(f"{result['refused']} of {result['requests']} requests failed")
        count = result["requests"]
        return Answered(count / result["us"] * 1e6, count / took, result["p50"] / 1000, result["p99"] / 1000)


def wrk(folder: Path, cpu: int | None) -> Wrk:
    """The generator; ``Trouble`` if it cannot be had."""
    command, env = peers.wrk()
    return Wrk(command, env, folder, cpu)
