"""noria model dossier: all an auditor asks for, from the records; what is not on record is said to be not."""

import json
import re
from html import escape
from pathlib import Path

from noria.governance.annex import POINTS

from .conftest import Noria


def test_a_folder_holds_the_page_the_data_the_reports_and_the_decisions(
    project: Path, noria: Noria, tmp_path: Path
) -> None:
    files = {
        Path(one).name for one in noria("model", "dossier", "loans@2", "--to", tmp_path / "d", "--json").data["files"]
    }
    assert files >= {
        "dossier.html", "dossier.json", "record.html", "decisions.jsonl", "release-card.html", "analyze-report.html",
        "validate-report.html",
    }  # fmt: skip
    found = json.loads((tmp_path / "d" / "dossier.json").read_text())
    assert (found["model"], found["number"], found["data"]["dataset"]) == ("loans", 2, "loans")
    assert [one["source"] for one in found["data"]["batches"]] == ["inbox/1.csv", "inbox/2.csv"]
    assert found["performance"]["predictions"] == 2
    assert found["live"]["weight"] == 0.1
    assert found["audit"]["problems"] == []
    decisions = [json.loads(line) for line in (tmp_path / "d" / "decisions.jsonl").read_text().splitlines()]
    assert {one["action"] for one in decisions} >= {"released", "alias challenger", "route"}


def test_every_point_of_annex_iv_is_there_with_what_is_not_recorded(
    project: Path, noria: Noria, tmp_path: Path
) -> None:
    said = noria("model", "dossier", "loans@1", "--file", tmp_path / "one.html", "--json").data["annex_iv"]
    assert [one["number"] for one in said] == [point[0] for point in POINTS]
    page = (tmp_path / "one.html").read_text()
    for one in said:
        assert one["title"].split(":")[0] in page
        assert one["said"] or one["not_recorded"]
        assert all(f"not recorded: {escape(text)}" in page for text in one["not_recorded"])
    assert "the intended purpose in words" in next(one for one in said if one["number"] == "1 (a)")["not_recorded"]
    assert "<script" not in page
    assert not re.search(r"(src|href)=.?https?:|url\(", page)  # a recorded reason may name one


def test_a_mistake_is_one_sentence(project: Path, noria: Noria) -> None:
    assert "Give --to or --file." in noria("model", "dossier", "loans@1", "--to", "a", "--file", "b").said
    assert "no version 9 of model loans" in noria("model", "dossier", "loans@9").said
