"""Runs that an orchestrator turns, what they took, and searches that several machines share"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "exported",
        sa.Column("lifecycle", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.String(length=64), nullable=False),
        sa.Column("bundle", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("lifecycle", "plan", name=op.f("pk_exported")),
    )
    op.create_table(
        "orchestrated",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("dag_run", sa.String(length=250), nullable=False),
        sa.Column("because", sa.String(length=40), nullable=False),
        sa.Column("plan", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_orchestrated_run_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_orchestrated")),
        sa.UniqueConstraint("dag_id", "dag_run", name=op.f("uq_orchestrated_dag_id_dag_run")),
    )
    op.create_table(
        "cycle",
        sa.Column("lifecycle", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("lifecycle", "key", name=op.f("pk_cycle")),
    )
    op.create_table(
        "study_log",
        sa.Column("study", sa.String(length=120), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("entry", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("study", "number", name=op.f("pk_study_log")),
    )
