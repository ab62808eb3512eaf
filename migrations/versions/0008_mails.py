"""Create the queue of mails."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    now = sa.func.now()
    op.create_table(
        "mails",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(True), server_default=now, nullable=False),
        sa.Column("dead_at", sa.DateTime(True)),
        sa.Column("last_error", sa.Text()),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("recipient", sa.String(254)),
        sa.Column("subject", sa.Text()),
        sa.Column("body", sa.Text()),
        sa.Column("request_id", sa.String(128)),
        sa.Column("created_at", sa.DateTime(True), server_default=now, nullable=False),
        sa.Column("lease_until", sa.DateTime(True)),
        sa.Column("lease_owner", sa.String(40)),
        sa.Column("sent_at", sa.DateTime(True)),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
        sa.UniqueConstraint("name", name="uq_mails_name"),
    )
    waiting = sa.text("sent_at IS NULL AND dead_at IS NULL")
    op.create_index("ix_mails_waiting", "mails", ["next_at"], postgresql_where=waiting)


def downgrade() -> None:
    """Go back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.drop_table("mails")
