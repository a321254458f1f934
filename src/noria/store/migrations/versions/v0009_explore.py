"""The share of requests that a version drawn by chance answers"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("route", sa.Column("explore", sa.Float(), nullable=False, server_default="0"))
