"""Create users."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("SET LOCAL lock_timeout = '2s'")  # rather fail than queue all traffic behind us
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("username", sa.String(32), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("first_name", sa.String(100), nullable=False),
        sa.Column("second_name", sa.String(100), nullable=False),
        sa.Column("birthday", sa.Date()),
        sa.Column("is_staff", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("session_epoch", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(True)),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.CheckConstraint("username ~ '^[A-Za-z0-9_.-]{3,32}$'", name=op.f("ck_users_username")),
        sa.CheckConstraint("email ~ '^[!-~]+@[!-~]+$'", name=op.f("ck_users_email")),
        sa.CheckConstraint("first_name <> '' AND second_name <> ''", name=op.f("ck_users_names")),
        sa.CheckConstraint("session_epoch >= 0", name=op.f("ck_users_session_epoch")),
    )
    op.create_index("uq_users_username", "users", [sa.text("lower(username)")], unique=True)
    op.create_index("uq_users_email", "users", [sa.text("lower(email)")], unique=True)


def downgrade() -> None:
    """Go back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.drop_table("users")
