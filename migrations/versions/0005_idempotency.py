"""Create the keys under which something is done once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.create_table(
        "idempotency_keys",
        sa.Column("operation", sa.String(100), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("location", sa.String(200)),
        sa.Column("created_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "user_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    """Go back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.drop_table("idempotency_keys")
