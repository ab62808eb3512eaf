"""Let events carry their trace, and let an index find those that are parked."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    parked = sa.text("dead_at IS NOT NULL")
    # first, for reads can go on meanwhile; a new column stops everybody until all is done
    op.create_index("ix_outbox_parked", "outbox", ["id"], postgresql_where=parked)
    for table in ("outbox", "inbox"):
        op.add_column(table, sa.Column("traceparent", sa.String(55)))


def downgrade() -> None:
    """Go back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in ("inbox", "outbox"):
        op.drop_column(table, "traceparent")
    op.drop_index("ix_outbox_parked", "outbox")
