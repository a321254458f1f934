"""What a turn leaves: runs, steps, batches, versions, models, releases, routes, alerts."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from noria.store.tables.base import Utc, metadata

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
    Column("explore", Float, nullable=False, server_default="0"),
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
