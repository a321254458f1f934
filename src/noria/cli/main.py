"""Word → module, imported when typed; one sentence for a user's mistake, and the exit codes."""

import json
import os
import sys
from importlib import import_module

import noria

COMMANDS = {  # word: (module, what it does), in the order of the wheel
    "init": ("noria.cli.init", "scaffold a project that runs"),
    "demo": ("noria.cli.demo", "the whole loop on bundled real data"),
    "run": ("noria.cli.run", "turn the wheel once"),
    "watch": ("noria.cli.watch", "turn the wheel when data, feedback, a schedule or a person calls for it"),
    "step": ("noria.cli.step", "do one step of a run: what orchestrators call"),
    "data": (
        "noria.cli.data",
        "versions of the data: collect, log, show, diff, compare, verify, quarantine, accept, export",
    ),
    "model": ("noria.cli.model", "model versions: list, show, approve, promote, history, reproduce, export, import"),
    "serve": ("noria.cli.serve", "the model server"),
    "route": ("noria.cli.route", "traffic weights: show, set"),
    "token": ("noria.cli.token", "who may ask, answer and decide over the network: create, list, revoke"),
    "experiment": ("noria.cli.experiment", "two versions in live traffic: start, show, list, check, decide, stop"),
    "feedback": ("noria.cli.feedback", "labels and ratings for predictions: import, show"),
    "trace": ("noria.cli.trace", "from any thing to all it came from and all that came of it"),
    "erase": ("noria.cli.erase", "a subject's rows, out of every table, artifact, record and file"),
    "report": ("noria.cli.report", "lead time, releases, rollbacks, waiting; what is automatic and what is missing"),
    "gc": ("noria.cli.gc", "clear away what nothing needs: --dry-run, hold, release, holds"),
    "audit": ("noria.cli.audit", "the log of decisions: show, verify, export"),
    "ui": ("noria.cli.ui", "the web pages"),
    "airflow": ("noria.cli.airflow", "the same lifecycle on Apache Airflow: export, up, down, status, logs"),
    "metrics": ("noria.cli.metrics", "steps and runs for Prometheus: how many, how long, how long they waited"),
    "doctor": ("noria.cli.doctor", "what is configured, what is reachable, what is wrong"),
}
OK, FAILED, MISTAKE, STOPPED = 0, 1, 2, 3
LOST, MEMORY, NOTHING, WAITING = 4, 5, 6, 7
CODES = {  # exit code of an error by its class, the nearest one upwards; orchestrators decide by it whether to retry
    "UserError": MISTAKE,
    "Stopped": STOPPED,
    "Undecided": WAITING,
    "NothingToDo": NOTHING,
    "Failure": FAILED,
    "Busy": LOST,
    "Superseded": LOST,
    "OutOfMemory": MEMORY,
    "NoriaError": FAILED,
}


def main(words: list[str] | None = None) -> int:
    """Run a command line and return its exit code.

    0 done, 1 failed (another try may help), 2 the user's mistake (none will), 3 stopped by a gate; and for who starts
    steps: 4 somebody else has the step, 5 out of memory, 6 nothing to do, 7 a person has to decide.
    """
    words = sys.argv[1:] if words is None else words
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview())
        return OK
    if words[0] in ("-V", "--version"):
        print(f"noria {noria.__version__}")
        return OK
    if words[0] not in COMMANDS:
        return _unknown(words[0])
    return _guarded(words)


def overview() -> str:
    """What ``noria --help`` prints; no command is imported for it."""
    width = max(map(len, COMMANDS))
    lines = [f"  {word:{width}}  {what}" for word, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            "noria: one Python file turns arriving data into a model service that renews itself.",
            "",
            "  noria COMMAND [--help] [--json]",
            "",
            *lines,
            "",
            "Start with: noria demo, or noria init NAME. Exit codes: 0 done, 1 failed, 2 a mistake in what was given,",
            "3 stopped by a gate, 4 somebody else is at it, 5 out of memory, 6 nothing to do, 7 waits for a person.",
        ]
    )


def _unknown(word: str) -> int:
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, n=1)
    hint = f"Did you mean 'noria {near[0]}'?" if near else "See 'noria --help'."
    print(f"noria: there is no command {word!r}. {hint}", file=sys.stderr)
    return MISTAKE


def _guarded(words: list[str]) -> int:
    from noria.errors import NoriaError

    as_json = "--json" in words
    try:
        if words[0] == "run":
            from noria.cli import glance

            known = glance.command(words[1:])
            if known is not None:
                return known
        module = import_module(COMMANDS[words[0]][0])
        code: int = module.command(words[1:])
        return code
    except NoriaError as error:
        return _say(
            error, next(CODES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in CODES), as_json
        )
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return OK
        place = f" ({error.filename})" if error.filename else ""
        return _say(
            Exception(f"{error.strerror or error}{place}. Finished work is kept; run it again."), FAILED, as_json
        )
    except Exception as error:
        if os.environ.get("NORIA_TRACEBACK"):
            raise
        return _say(_fault(error), FAILED, as_json)
    except KeyboardInterrupt:
        return _say(Exception("interrupted. The same command goes on where it stopped."), 130, as_json)
    except BaseException as error:  # what libraries written in Rust raise when they give up is no Exception
        if type(error).__name__ != "PanicException" or os.environ.get("NORIA_TRACEBACK"):
            raise
        return _say(_fault(error), FAILED, as_json)


def _fault(error: BaseException) -> Exception:
    """What nobody foresaw, as a sentence with its place."""
    from pathlib import Path
    from traceback import extract_tb

    at = extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    where = f"{Path(at.filename).name}, line {at.lineno}"
    do = "Finished work is kept. This is a fault in noria: report it with what NORIA_TRACEBACK=1 shows."
    return Exception(f"{what} ({where}). {do}")


def _say(error: Exception, code: int, as_json: bool) -> int:
    sys.stdout.flush()
    if as_json:
        print(json.dumps({"error": str(error), "code": code}))
    print(f"noria: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
