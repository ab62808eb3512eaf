"""Let the outbox remember deliveries, and create the inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WAITING = sa.text("published_at IS NULL AND dead_at IS NULL")
UNHANDLED = sa.text("handled_at IS NULL AND dead_at IS NULL")


def upgrade() -> None:
    """Go forward."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    for column in _tries():
        op.add_column("outbox", column)
    op.add_column("outbox", sa.Column("lease_until", sa.DateTime(True)))
    op.add_column("outbox", sa.Column("lease_owner", sa.String(40)))
    op.add_column("outbox", sa.Column("published_at", sa.DateTime(True)))
    op.create_index("ix_outbox_waiting", "outbox", ["id"], postgresql_where=WAITING)
    op.create_index(
        "ix_outbox_waiting_key", "outbox", ["topic", "key", "id"], postgresql_where=WAITING
    )
    op.create_index("ix_outbox_published_at", "outbox", ["published_at"])
    _create_inbox()


def downgrade() -> None:
    """Go back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.drop_table("inbox")
    for index in ("ix_outbox_published_at", "ix_outbox_waiting_key", "ix_outbox_waiting"):
        op.drop_index(index, "outbox")
    added = ("attempts", "next_at", "dead_at", "last_error")
    for name in (*added, "lease_until", "lease_owner", "published_at"):
        op.drop_column("outbox", name)


def _tries() -> list[sa.Column[object]]:
    return [
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.Column("dead_at", sa.DateTime(True)),
        sa.Column("last_error", sa.Text()),
    ]


def _create_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("consumer", sa.String(50), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(249), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("event_type", sa.String(100), nullable=False),
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("request_id", sa.String(128)),
        sa.Column("created_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.Column("handled_at", sa.DateTime(True)),
        *_tries(),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.UniqueConstraint("consumer", "event_id", name="uq_inbox_consumer_event_id"),
    )
    columns = ["consumer", "topic", "key", "id"]
    op.create_index("ix_inbox_waiting", "inbox", columns, postgresql_where=UNHANDLED)
    op.create_index("ix_inbox_handled_at", "inbox", ["handled_at"])
