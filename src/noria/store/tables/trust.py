"""What is decided and who may: the log, tokens, erasures, holds."""

from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table, Text

from noria.store.tables.base import Utc, metadata

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

hold = Table(  # what must not be cleared away or erased, whatever else says so
    "hold",
    metadata,
    Column("node", String(160), primary_key=True),  # "release:…", as in the lineage
    Column("reason", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", Utc, nullable=False),
)
