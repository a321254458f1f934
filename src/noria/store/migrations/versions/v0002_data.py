"""What the rows of a batch are, and where time is cut into splits"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("batch") as batch:
        batch.add_column(sa.Column("rows_digest", sa.String(length=64), nullable=True))
    with op.batch_alter_table("dataset_version") as version:
        version.add_column(sa.Column("cuts", sa.JSON(), nullable=True))
