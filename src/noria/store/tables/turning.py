"""What turns the wheel: orchestrators, shared searches, experiments, watches; and what is remembered."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from noria.store.tables.base import Utc, metadata

memo = Table(
    "memo",
    metadata,
    Column("kind", String(40), primary_key=True),  # what is remembered, such as a file's digest by its path
    Column("key", String(500), primary_key=True),
    Column("value", JSON, nullable=False),
)

exported = Table(  # plans that an orchestrator may still begin: they and their code bundles are no garbage
    "exported",
    metadata,
    Column("lifecycle", String(200), primary_key=True),
    Column("plan", String(64), primary_key=True),
    Column("bundle", String(64), nullable=False),
    Column("at", Utc, nullable=False),
)

orchestrated = Table(  # which run of an orchestrator turned which run
    "orchestrated",
    metadata,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("dag_id", String(250), nullable=False),
    Column("dag_run", String(250), nullable=False),
    Column("because", String(40), nullable=False),  # manual | scheduled | asset_triggered | backfill
    Column("plan", String(64), nullable=False),
    Column("at", Utc, nullable=False),
    UniqueConstraint("dag_id", "dag_run"),
)

cycle = Table(  # what there is to turn, and the run that took it: once
    "cycle",
    metadata,
    Column("lifecycle", String(200), primary_key=True),
    Column("key", String(64), primary_key=True),  # digest of what the sources offered
    Column("run_id", String(32), nullable=False),
    Column("at", Utc, nullable=False),
)

study_log = Table(  # of a search that several machines share: what Optuna's journal holds, entry by entry
    "study_log",
    metadata,
    Column("study", String(120), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entry", JSON, nullable=False),
)

experiment = Table(
    "experiment",
    metadata,
    Column("endpoint", String(200), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("champion", Integer, nullable=False),
    Column("challenger", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # running | proposed | decided | stopped
    Column("rules", JSON, nullable=False),  # what it is to find out, fixed before it starts
    Column("approval", String(16), nullable=False),  # automatic | person
    Column("weights", JSON, nullable=False),  # of the route while it runs
    Column("before", JSON, nullable=False),  # the route's weights before it
    Column("revision", Integer, nullable=False),  # of the route when it had started
    Column("started_at", Utc, nullable=False),
    Column("started_by", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("verdict", String(16)),  # promote | stop: what the numbers said, or a person
    Column("why", Text),
    Column("evidence", JSON),
    Column("ended_at", Utc),
    Column("ended_by", String(200)),
    Index(
        "uq_experiment_open",
        "endpoint",
        unique=True,  # one at a time an endpoint
        sqlite_where=text("state IN ('running', 'proposed')"),
        postgresql_where=text("state IN ('running', 'proposed')"),
    ),
)

watch = Table(
    "watch",
    metadata,
    Column("lifecycle", String(200), primary_key=True),
    Column("file", Text, nullable=False),
    Column("term", Integer, nullable=False),  # the fencing token: who holds a newer one has taken over
    Column("owner", String(200)),
    Column("lease_until", Utc),
    Column("state", JSON, nullable=False),  # what has to outlive the process
    Column("asked", JSON),  # {"id", "reason", "actor"}: a person wants a turn
)
