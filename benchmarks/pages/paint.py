"""First contentful paint of every page in Chromium, with 1,000 runs, 10,000 trials and 1M predictions in the store.

The limit is the paint of the smallest page of the same server: what any page costs in this browser on this machine.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import Line, Peer, Target, Trouble, in_turns
from benchmarks.pages.grown import store
from benchmarks.project import NAME

TARGET_S, REPETITIONS, READY_S = 0.3, 7, 60
PAGES = {
    "wheel": "/",
    "runs": "/run",
    "a run": f"/run/{NAME}-1",
    "two runs": f"/run/{NAME}-1/compare?with={NAME}-999",
    "data": f"/data/{NAME}",
    "models": "/model",
    "a model": f"/model/{NAME}",
    "a study": f"/model/{NAME}/study",
    "an analysis": f"/model/{NAME}/analysis",
    "serving": f"/route/{NAME}",
    "experiments": f"/experiment/{NAME}",
    "feedback": f"/feedback/{NAME}",
    "trace of a model": f"/trace?id=model_version:{NAME}@1",
    "trace of a prediction": "/trace?id=PREDICTION",
    "erase": "/erase",
    "audit": "/audit",
}
BARE = "/sign-in"
PAINTED = """() => new Promise(done => {
  const found = () => performance.getEntriesByName("first-contentful-paint")[0];
  const look = () => found() ? done(found().startTime) : setTimeout(look, 5);
  look();
})"""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]


def lines() -> list[Line]:
    program = shutil.which("chromium")
    if program is None:
        raise Trouble("chromium is missing: make test installs it")
    from playwright.sync_api import sync_playwright

    with store() as (folder, env), _pages(folder, env) as address, sync_playwright() as playwright:
        prediction = _newest(folder, env)
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        paths = {name: path.replace("PREDICTION", prediction) for name, path in PAGES.items()}
        actions = {name: (lambda path=path: _painted(page, address + path)) for name, path in paths.items()}
        took = in_turns({**actions, BARE: lambda: _painted(page, address + BARE)}, REPETITIONS, warm=1)
        browser.close()
    limit = Peer("the smallest page (the limit)", took[BARE])
    return [Line(f"first paint: {name}", samples=took[name], peers=[limit], target=Target(TARGET_S)) for name in paths]


def _painted(page: Any, address: str) -> float:
    """Seconds from asking to the first thing that is seen."""
    answer = page.goto(address, wait_until="commit")
    if answer is None or answer.status != 200:
        raise Trouble(f"{address} answered {answer.status if answer else 'nothing'}")
    found = float(page.evaluate(PAINTED)) / 1000
    page.goto("about:blank")
    return found


@contextmanager
def _pages(folder: Path, env: dict[str, str]) -> Iterator[str]:
    ready = folder / "pages.address"
    command = [sys.executable, "-m", "noria.cli.main", "ui", "--port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + READY_S
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise Trouble("the pages did not start")
            time.sleep(0.05)
        yield ready.read_text()
    finally:
        process.terminate()
        process.wait(30)


def _newest(folder: Path, env: dict[str, str]) -> str:
    from noria import settings
    from noria.data import captured

    found = settings.load(folder, environ={name: value for name, value in env.items() if name.startswith("NORIA_")})
    return str(captured.newest(found, NAME, 1)["id"][0])
