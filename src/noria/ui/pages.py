"""Every page, every decision, every picture: its address, and what answers it."""

from collections.abc import Sequence

from noria.ui import analysis, audit, data, erase, feedback, home, model, route, run, study, trace
from noria.ui.ask import Act, View

PAGES: Sequence[tuple[str, View]] = [
    ("/", home.page),
    ("/run", run.listing),
    ("/run/{run}", run.one),
    ("/run/{run}/compare", run.compare),
    ("/data", data.listing),
    ("/data/{name}", data.one),
    ("/data/{name}/diff", data.diff),
    ("/model", model.listing),
    ("/model/{name}", model.one),
    ("/model/{name}/study", study.page),
    ("/model/{name}/analysis", analysis.page),
    ("/model/{name}/dossier", model.dossier),
    ("/release/{release}", model.waiting),
    ("/route", route.listing),
    ("/route/{endpoint}", route.one),
    ("/feedback", feedback.listing),
    ("/feedback/{endpoint}", feedback.one),
    ("/trace", trace.page),
    ("/erase", erase.page),
    ("/erase/{job}", erase.progress),
    ("/certificate/{id}", erase.certificate),
    ("/audit", audit.page),
    ("/artifact/{digest}", run.artifact),
    ("/chart/data/column", data.column_chart),
    ("/chart/data/labels", data.labels_chart),
    ("/chart/model/metrics", model.metrics_chart),
    ("/chart/study/history", study.history_chart),
    ("/chart/study/parallel", study.parallel_chart),
    ("/chart/study/importance", study.importance_chart),
    ("/chart/analysis/fairness", analysis.fairness_chart),
    ("/chart/analysis/slices", analysis.slices_chart),
    ("/chart/analysis/calibration", analysis.calibration_chart),
    ("/chart/analysis/importance", analysis.importance_chart),
    ("/chart/analysis/sensitivity", analysis.sensitivity_chart),
    ("/chart/feedback/accuracy", feedback.accuracy_chart),
]
ACTS: Sequence[tuple[str, Act]] = [
    ("/run/{lifecycle}/turn", run.turn),
    ("/data/{name}/accept", data.accept),
    ("/data/{name}/quarantine", data.quarantine),
    ("/data/{name}/restore", data.restore),
    ("/release/{release}/approve", model.approve),
    ("/release/{release}/refuse", model.refuse),
    ("/model/{name}/promote", model.promoted),
    ("/model/{name}/rollback", model.rollback),
    ("/route/{endpoint}/check", route.check),
    ("/route/{endpoint}/set", route.set_weights),
    ("/erase/look", erase.look),
    ("/erase/now", erase.erase),
]
