"""Give users a version that only grows, and let an index find them by birthday."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    alive = sa.text("deleted_at IS NULL")
    # first, for reads can go on meanwhile; a new column stops everybody until all is done
    op.create_index("ix_users_birthday", "users", ["birthday", "id"], postgresql_where=alive)
    version = sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    op.add_column("users", version)


def downgrade() -> None:
    """Go back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.drop_index("ix_users_birthday", "users")
    op.drop_column("users", "version")
