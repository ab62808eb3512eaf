"""Create cities, picnics and registrations."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    _create_cities()
    _create_picnics()
    _create_registrations()


def _create_cities() -> None:
    op.create_table(
        "cities",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("grams", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("country", sa.String(100)),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cities"),
        sa.UniqueConstraint("folded", name="uq_cities_folded"),
        sa.CheckConstraint("name <> ''", name=op.f("ck_cities_name")),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("ck_cities_latitude")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("ck_cities_longitude")),
    )
    op.create_index("ix_cities_grams", "cities", ["grams"], postgresql_using="gin")


def _create_picnics() -> None:
    op.create_table(
        "picnics",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("city_id", sa.BigInteger(), nullable=False),
        sa.Column("creator_id", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.DateTime(True), nullable=False),
        sa.Column("created_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_picnics"),
        sa.ForeignKeyConstraint(["city_id"], ["cities.id"], name="fk_picnics_city_id"),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name="fk_picnics_creator_id"),
    )
    op.create_index("ix_picnics_time_id", "picnics", ["time", "id"])
    op.create_index("ix_picnics_city_id_time_id", "picnics", ["city_id", "time", "id"])
    op.create_index("ix_picnics_creator_id", "picnics", ["creator_id"])


def _create_registrations() -> None:
    op.create_table(
        "registrations",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("picnic_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registrations"),
        sa.UniqueConstraint("picnic_id", "user_id", name="uq_registrations_picnic_id_user_id"),
        sa.ForeignKeyConstraint(["picnic_id"], ["picnics.id"], name="fk_registrations_picnic_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_registrations_user_id"),
    )
    op.create_index("ix_registrations_picnic_id_id", "registrations", ["picnic_id", "id"])
    op.create_index("ix_registrations_user_id", "registrations", ["user_id"])


def downgrade() -> None:
    """Go back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in ("registrations", "picnics", "cities"):
        op.drop_table(table)
