"""From a task in Airflow's page to what noria has to show: the run, and the step's reports."""

from typing import Any

from airflow.sdk import BaseOperatorLink


class RunLink(BaseOperatorLink):
    """The noria run that this Airflow run turns."""

    name = "noria run"

    @property
    def xcom_key(self) -> str:
        return "noria_run_link"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page of the run in ``noria ui``; empty where none was named at the export."""
        return operator.noria_page(ti_key) or ""


class ReportLink(BaseOperatorLink):
    """The reports of the step: validation, analysis, model card."""

    name = "noria report"

    @property
    def xcom_key(self) -> str:
        return "noria_report_link"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The part of that page with the step's reports; empty for tasks that leave none."""
        page = operator.noria_page(ti_key)
        return f"{page}#{operator.noria_step}" if page and operator.noria_step else ""
