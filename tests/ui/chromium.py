"""Real browsers on real pages: Debian's Chromium, driven by Playwright, and ``noria ui`` as a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from servers import program

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
PATIENCE_S = 180.0  # on a machine that does other things too


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that reaches nothing but this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), headless=True, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def pages_of(folder: Path) -> Iterator[str]:
    """The address of ``noria ui`` in a project."""
    ready = folder / ".noria" / "pages"
    ready.unlink(missing_ok=True)
    environ = {**os.environ, "NORIA_ACTOR": "tester"}
    command = [sys.executable, "-m", "noria.cli.main", "ui", "--port", "0", "--ready-file", str(ready)]
    with (folder / "ui.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)
    try:
        end = time.monotonic() + PATIENCE_S
        while not ready.exists():
            assert process.poll() is None, (folder / "ui.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        yield ready.read_text().strip()
    finally:
        process.terminate()
        process.wait(30)


def watched(page: Page) -> list[str]:
    """What a page complains about: errors of scripts, and what its policy refuses."""
    heard: list[str] = []

    def note(message: Any) -> None:
        if message.type == "error":
            heard.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard
