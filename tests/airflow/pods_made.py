"""Run by Airflow's own interpreter: the pods of an export's tasks, as its operators would ask the cluster for them."""

import json
import sys
from pathlib import Path

from airflow.serialization.serialized_objects import DagSerialization
from kubernetes.client import ApiClient

from noria.airflow import dag

KEPT = ("deferrable", "schedule_timeout_seconds", "startup_timeout_seconds", "kubernetes_conn_id", "namespace",
        "do_xcom_push", "poll_interval", "logging_interval", "termination_grace_period")  # fmt: skip

if __name__ == "__main__":
    made = dag(Path(sys.argv[1]))
    DagSerialization.to_dict(made)  # what the scheduler keeps of it
    found = {}
    for task in made.tasks:
        told = {"kind": task.task_type, "queue": task.queue}
        if task.is_mapped:
            told |= {"mapped": len(task.expand_input.value["command"]), "pools": task.partial_kwargs["pools"]}
        elif task.task_type == "PodOperator":
            pod = task.build_pod_request_obj(dry_run=True)
            told |= {"pod": ApiClient().sanitize_for_serialization(pod), **{name: getattr(task, name) for name in KEPT}}
        found[task.task_id] = told
    print(json.dumps(found))
