"""noria report: the figures of the loop, on the terminal, as JSON and as a page."""

from pathlib import Path

from .conftest import Noria


def test_the_report_is_told_from_the_records(mine: Path, noria: Noria) -> None:
    assert noria("model", "promote", "loans@2", "--reason", "better").code == 0
    assert noria("model", "rollback", "loans", "--reason", "worse").code == 0
    (one,) = noria("report", "--json").data
    assert one["lifecycle"] == "loans"
    assert one["loop"]["lead_time"]["count"] == 2
    assert one["loop"]["rolled_back"] == {"versions_live": 2, "versions_rolled_back": [2], "share": 0.5}
    assert one["loop"]["time_to_restore"]["count"] == 1
    assert [layer["layer"] for layer in one["hierarchy_of_needs"]][0::5] == ["collect", "AI in use"]
    assert noria("report", "lifecycle.py", "--json").data[0]["loop"]["release_frequency"]["releases"] == 2
    said = noria("report", "loans").out
    assert "version 2, of 2 that answered" in said
    assert "answers are not collected as training data" in said
    assert "features by your own code, versioned" in said
    assert "gates decide: at least (roc_auc)" in said
    page = Path(noria("report", "--html", "--json").data[0]).read_text()
    assert "The loop of loans" in page
    assert "<script" not in page


def test_an_unknown_lifecycle_is_one_sentence(project: Path, noria: Noria) -> None:
    assert noria("report", "loan").said == "no lifecycle loan (noria report). Did you mean loans?"
