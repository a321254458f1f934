"""A batch is known by its dataset and its content: two datasets may take in the same"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":  # which changes no key in place
        _copied()
        return
    op.drop_constraint(op.f("pk_batch"), "batch", type_="primary")
    op.create_primary_key(op.f("pk_batch"), "batch", ["id", "dataset"])


def _copied() -> None:
    op.create_table(
        "batch_keyed",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("dataset", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(length=40), nullable=False),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("run_id", sa.String(length=32), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows_digest", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", "dataset", name=op.f("pk_batch")),
        sa.UniqueConstraint("dataset", "digest", name=op.f("uq_batch_dataset_digest")),
        sa.UniqueConstraint("dataset", "number", name=op.f("uq_batch_dataset_number")),
    )
    kept = "id, dataset, number, digest, rows, bytes, origin, source, profile, state, reason, run_id, arrived_at"
    columns = f"{kept}, rows_digest"
    op.execute(f"INSERT INTO batch_keyed ({columns}) SELECT {columns} FROM batch")  # noqa: S608 (names of columns)
    op.drop_table("batch")
    op.rename_table("batch_keyed", "batch")
