"""Every column, once. The other modules of this room are the only ones that speak SQL."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(TypeDecorator):  # type: ignore[type-arg]
    """A time in UTC that comes back with its zone, also from SQLite, which keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value, dialect):  # type: ignore[no-untyped-def]
        from datetime import UTC

        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value, dialect):  # type: ignore[no-untyped-def]
        from datetime import UTC

        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


run = Table(
    "run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("lifecycle", String(200), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # running | done | stopped | failed
    Column("trigger", String(40), nullable=False),
    Column("remedy", String(40)),
    Column("plan", Text, nullable=False),
    Column("key", String(64), nullable=False),  # digest of all the plan was made from: the same key, nothing to compile
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("message", Text),
    Column("cause", JSON),  # {"why", "mark"}: what called for it; null if a person did
    UniqueConstraint("lifecycle", "number"),
    Index("ix_run_key", "lifecycle", "key"),
)

step_run = Table(
    "step_run",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ForeignKey("run.id"), nullable=False, index=True),
    Column("step", String(40), nullable=False),
    Column("shard", Integer, nullable=False, default=0),
    Column("state", String(16), nullable=False),  # waiting | running | done | reused | blocked | failed
    Column("attempt", Integer, nullable=False, default=0),  # the fencing token: only the newest may commit
    Column("owner", String(200)),
    Column("lease_until", Utc),
    Column("fingerprint", String(64), index=True),
    Column("ingredients", JSON),  # what the fingerprint was made of, so that a later run can say what changed
    Column("why", JSON),  # sentences: why it ran or was reused
    Column("facts", JSON),
    Column("message", Text),
    Column("reused_from", Integer),
    Column("ready_at", Utc),
    Column("started_at", Utc),
    Column("ended_at", Utc),
    Column("peak_memory_mb", Float),
    UniqueConstraint("run_id", "step", "shard"),
)

output = Table(
    "output",
    metadata,
    Column("step_run_id", ForeignKey("step_run.id"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("digest", String(64), nullable=False, index=True),
    Column("media", String(80), nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

edge = Table(
    "edge",
    metadata,
    Column("child", String(160), primary_key=True),  # "model_version:loans@3": kind, colon, id
    Column("parent", String(160), primary_key=True),
    Column("role", String(40), primary_key=True),
    Index("ix_edge_parent", "parent"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", String(64), primary_key=True),  # the first 16 digits of the content digest
    Column("dataset", String(200), primary_key=True),  # two datasets may take in the same content
    Column("number", Integer, nullable=False),
    Column("digest", String(64), nullable=False),  # of the source's content: the same content is no new batch
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("origin", String(40), nullable=False),  # files | sql | folder | rows | captured
    Column("source", JSON, nullable=False),
    Column("profile", String(64)),
    Column("state", String(16), nullable=False),  # accepted | quarantined
    Column("reason", Text),
    Column("run_id", String(32)),
    Column("arrived_at", Utc, nullable=False),
    Column("rows_digest", String(64)),  # of the rows as a multiset; of all batches they add up to the version's
    UniqueConstraint("dataset", "number"),
    UniqueConstraint("dataset", "digest"),
)

version = Table(
    "dataset_version",
    metadata,
    Column("dataset", String(200), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),  # of the ordered batch digests
    Column("batches", JSON, nullable=False),  # ordered batch ids
    Column("rows", BigInteger, nullable=False),
    Column("baseline", Integer),  # the newest version that had been accepted when this one was made
    Column("verdict", String(16)),  # null until validated; pass | warn | block
    Column("remedy", String(40)),
    Column("schema", String(64)),
    Column("profile", String(64)),
    Column("reason", Text),
    Column("run_id", String(32)),
    Column("created_at", Utc, nullable=False),
    Column("cuts", JSON),  # [[until, split], ...]: where time is cut into splits; null if splits do not go by time
    UniqueConstraint("dataset", "digest"),
)

tag = Table(
    "tag",
    metadata,
    Column("dataset", String(200), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("at", Utc, nullable=False),
)

model_version = Table(
    "model_version",
    metadata,
    Column("model", String(200), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("package", String(64), nullable=False),
    Column("format", String(40), nullable=False),
    Column("run_id", ForeignKey("run.id"), nullable=False),
    Column("dataset", String(200), nullable=False),
    Column("dataset_version", Integer, nullable=False),
    Column("params", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("release_id", String(32), nullable=False),
    Column("created_at", Utc, nullable=False),
)

alias = Table(
    "alias",
    metadata,
    Column("model", String(200), primary_key=True),
    Column("name", String(40), primary_key=True),  # champion | challenger | shadow
    Column("number", Integer, nullable=False),
    Column("at", Utc, nullable=False),
)

release = Table(
    "release",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("model", String(200), nullable=False),
    Column("number", Integer),  # null when refused: no model version came of it
    Column("run_id", ForeignKey("run.id"), nullable=False),
    Column("decision", String(16), nullable=False),  # released | refused | waiting
    Column("record", String(64), nullable=False),
    Column("verdicts", JSON, nullable=False),
    Column("decided_by", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Utc, nullable=False),
)

route = Table(
    "route",
    metadata,
    Column("endpoint", String(200), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("weights", JSON, nullable=False),  # {"3": 90, "4": 10}: model version → weight
    Column("shadow", JSON, nullable=False),
    Column("salt", String(64), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Utc, nullable=False),
)

alert = Table(
    "alert",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("lifecycle", String(200), nullable=False, index=True),
    Column("run_id", String(32)),
    Column("step", String(40)),
    Column("severity", String(16), nullable=False),  # info | warn | block
    Column("what", Text, nullable=False),
    Column("where", Text, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("do", Text, nullable=False),
    Column("at", Utc, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),  # ISO 8601 text: it is hashed as written
    Column("actor", String(200), nullable=False),
    Column("action", String(80), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("before", JSON),
    Column("after", JSON),
    Column("reason", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

audit_head = Table(  # the newest entry, kept apart: that entries at the end are gone shows here
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("number", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("roles", JSON, nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of the secret, which is kept nowhere
    Column("created_by", String(200), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("revoked_at", Utc),
)

memo = Table(
    "memo",
    metadata,
    Column("kind", String(40), primary_key=True),  # what is remembered, such as a file's digest by its path
    Column("key", String(500), primary_key=True),
    Column("value", JSON, nullable=False),
)

erasure = Table(
    "erasure",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("subject", String(64), nullable=False),  # keyed digest: the key itself is kept nowhere
    Column("secret", String(16), nullable=False),  # tells with which secret
    Column("datasets", JSON, nullable=False),
    Column("state", String(16), nullable=False),  # begun | done
    Column("models", String(16), nullable=False),  # retrain | accept
    Column("actor", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("certificate", String(64)),
    Column("page", String(64)),
    Column("begun_at", Utc, nullable=False),
    Column("ended_at", Utc),
)

erased = Table(
    "erased",
    metadata,
    Column("dataset", String(200), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("erasure", String(32), nullable=False),
)

amended = Table(  # versions of data that hold fewer rows than when they were made
    "amended",
    metadata,
    Column("dataset", String(200), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("erasure", String(32), primary_key=True),
    Column("rows_before", BigInteger, nullable=False),
    Column("rows_after", BigInteger, nullable=False),
    Column("at", Utc, nullable=False),
)

learned = Table(  # models that had learned from rows which were erased since
    "learned",
    metadata,
    Column("model", String(200), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("erasure", String(32), primary_key=True),
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

hold = Table(  # what must not be cleared away or erased, whatever else says so
    "hold",
    metadata,
    Column("node", String(160), primary_key=True),  # "release:…", as in the lineage
    Column("reason", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", Utc, nullable=False),
)
