"""Create friendships; people are bare ids, for they may live in another database."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.create_table(
        "friendships",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("initiator_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("tag", sa.String(64), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_friendships"),
        sa.CheckConstraint("initiator_id <> target_id", name=op.f("ck_friendships_two_people")),
    )
    op.create_index("ix_friendships_initiator_id", "friendships", ["initiator_id", "id"])
    op.create_index("ix_friendships_target_id", "friendships", ["target_id", "id"])
    pair = [sa.text(f"{half}(initiator_id, target_id)") for half in ("least", "greatest")]
    op.create_index("uq_friendships_pair", "friendships", pair, unique=True)


def downgrade() -> None:
    """Go back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.drop_table("friendships")
