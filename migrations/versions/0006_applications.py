"""Create applications."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.create_table(
        "applications",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_name", sa.String(150), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
        sa.CheckConstraint("user_name <> ''", name=op.f("ck_applications_user_name")),
        sa.CheckConstraint(
            "description <> '' AND length(description) <= 10000",
            name=op.f("ck_applications_description"),
        ),
    )
    order = ["created_at", "id"]
    op.create_index("ix_applications_created_at_id", "applications", order)
    op.create_index(
        "ix_applications_user_name_created_at_id", "applications", ["user_name", *order]
    )


def downgrade() -> None:
    """Go back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.drop_table("applications")
