"""What Airflow asks an installed package: the provider entry point."""

from typing import Any

import noria


def get_provider_info() -> dict[str, Any]:
    """Name, version and operator links, in the form of Airflow's ``provider_info`` schema."""
    return {
        "package-name": "noria",
        "name": "noria",
        "description": "One Python file turns arriving data into a governed model service that renews itself.",
        "versions": [noria.__version__],
        "extra-links": ["noria.airflow.links.RunLink", "noria.airflow.links.ReportLink"],
    }
