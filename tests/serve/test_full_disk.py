"""A disk that takes nothing any more: predictions are answered and counted as shed, feedback is refused, not lost."""

import resource

import polars as pl
import pytest

from noria.data import captured
from noria.run.place import Place
from serve.live import ROW, Live, until
from serve.test_meter import at
from serve.test_operations import samples

pytestmark = pytest.mark.system


def test_serving_goes_on_over_a_full_disk_and_capture_does_again_when_there_is_room(project: Place) -> None:
    with Live(project.settings.home.parent) as server:
        (worker,) = server.children("noria.cli.main")
        first = server.predict().json()["predictions"][0]["id"]
        least = 8  # bytes that a file may have: as on a full disk, nothing can be appended
        before = resource.prlimit(worker, resource.RLIMIT_FSIZE, (least, resource.RLIM_INFINITY))
        shed = [server.predict() for _ in range(20)]
        assert {one.status_code for one in shed} == {200}
        for _ in range(2):
            refused = server.http.post("/v2/feedback", json={"prediction_id": first, "label": "yes"})
            assert refused.status_code == 503
            assert "the disk of the spool is full" in refused.json()["error"]
        assert server.http.get("/v2/health/ready").status_code == 200
        found = samples(server)
        assert (found[at("noria_captured_total")], found[at("noria_shed_total")]) == (1, 20)
        assert found[at("noria_requests_refused_total", "rest", "", "503")] == 2
        resource.prlimit(worker, resource.RLIMIT_FSIZE, before)
        last = server.predict(ROW).json()["predictions"][0]["id"]
        assert server.http.post("/v2/feedback", json={"prediction_id": first, "label": "yes"}).status_code == 200
        until(lambda: samples(server)[at("noria_captured_total")] == 2, "capture to go on")
        assert server.stop() == 0
    rows = captured.joined(project.settings, "loans")
    assert dict(zip(rows["id"], rows["label"], strict=True)) == {first: "yes", last: None}
    told = pl.read_delta(captured.path(project.settings, "loans", "feedback"))
    assert told["prediction"].to_list() == [first]
