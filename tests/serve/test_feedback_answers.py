"""Every kind of feedback has one answer, whichever way it comes: REST, gRPC, a file."""

import json
from pathlib import Path

import polars as pl
import pytest

from noria.data import captured
from noria.run.place import Place
from noria.serve.ids import Ids
from serve.callers import Grpc, Refused, Rest
from serve.live import Live, noria, until

pytestmark = pytest.mark.system


def file(folder: Path, name: str, **rows: str) -> str:
    """A file of labels by prediction."""
    (folder / name).write_text("".join(json.dumps({"prediction": id, "label": one}) + "\n" for id, one in rows.items()))
    return name


def brought(folder: Path, name: str, **rows: str) -> tuple[int, str]:
    """What the import of a file of labels ends with and says."""
    done = noria(folder, "feedback", "import", "loans", file(folder, name, **rows))
    return done.returncode, done.stderr


def test_late_repeated_conflicting_early_and_unknown_feedback(project: Place) -> None:
    folder = project.settings.home.parent
    with Live(folder) as server:
        callers = Rest(server), Grpc(server)
        again, changed, late = (server.predict().json()["predictions"][0]["id"] for _ in range(3))
        for caller in callers:
            assert caller.tell(again, "yes") == 1
        assert [caller.tell(changed, label) for caller, label in zip(callers, ("yes", "no"), strict=True)] == [1, 1]
        strange = Ids().new("cats")
        for caller in callers:
            for id in (strange, "x", changed[:-1] + ("0" if changed[-1] != "0" else "1")):
                with pytest.raises(Refused) as refused:
                    caller.tell(id, "yes")
                assert refused.value.kind == "not found"
        callers[1].close()
        some = {"feedback": [{"prediction_id": again, "label": "no"}, {"prediction_id": strange, "label": "no"}]}
        assert server.http.post("/v2/feedback", json=some).status_code == 404  # all of it or nothing
        none = server.http.post("/v2/feedback", json={"prediction_id": again})
        assert (none.status_code, "says nothing" in none.json()["error"]) == (400, True)
        unlike = server.http.post("/v2/models/nobody/feedback", json={"prediction_id": again, "label": "yes"})
        assert unlike.status_code == 404
        early = server.predict().json()["predictions"][0]["id"]
        assert (
            noria(folder, "feedback", "import", "loans", file(folder, "early.jsonl", **{early: "yes"})).returncode == 0
        )
        until(lambda: len(captured.predictions(project.settings, "loans")) == 4, "the tables")
        refused_file = noria(
            folder, "feedback", "import", "loans", file(folder, "no.jsonl", **{again: "no", strange: "no"})
        )
        assert (refused_file.returncode, "nothing was taken" in refused_file.stderr) == (2, True)
        assert server.stop() == 0
    for _ in range(2):  # the same file again changes nothing
        assert brought(folder, "late.jsonl", **{late: "no"})[0] == 0
    joined = captured.joined(project.settings, "loans")
    assert dict(zip(joined["id"], joined["label"], strict=True)) == {
        again: "yes", changed: "no", late: "no", early: "yes",
    }  # fmt: skip
    told = pl.read_delta(captured.path(project.settings, "loans", "feedback"))
    assert sorted(told["label"]) == ["no", "no", "yes", "yes", "yes", "yes"]  # what was contradicted stays on record
