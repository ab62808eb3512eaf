"""Create shops, books, offers, carts and orders."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    _create_catalogue()
    _create_carts()
    _create_orders()


def downgrade() -> None:
    """Go back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in ("order_items", "orders", "cart_items", "offers", "books", "shops"):
        op.drop_table(table)


def _create_catalogue() -> None:
    op.create_table(
        "shops",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("address", sa.String(300), nullable=False),
        sa.Column("site", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_shops"),
    )
    op.create_table(
        "books",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("isbn", sa.String(13), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_books"),
        sa.UniqueConstraint("isbn", name="uq_books_isbn"),
        sa.CheckConstraint("isbn ~ '^[0-9]{13}$'", name=op.f("ck_books_isbn")),
    )
    op.create_index("ix_books_title_id", "books", ["title", "id"])
    op.create_table(
        "offers",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Numeric(12, 2), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_offers"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_offers_shop_id"),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name="fk_offers_book_id"),
        sa.UniqueConstraint("shop_id", "book_id", name="uq_offers_shop_id_book_id"),
        sa.CheckConstraint("price >= 0", name=op.f("ck_offers_price")),
        sa.CheckConstraint("available >= 0", name=op.f("ck_offers_available")),
    )
    op.create_index("ix_offers_book_id", "offers", ["book_id"])
    op.create_index("ix_offers_shop_id_price_id", "offers", ["shop_id", "price", "id"])


def _create_carts() -> None:
    op.create_table(
        "cart_items",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "offer_id", name="pk_cart_items"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_cart_items_user_id"),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name="fk_cart_items_offer_id"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000", name=op.f("ck_cart_items_quantity")),
    )
    op.create_index("ix_cart_items_offer_id", "cart_items", ["offer_id"])


def _create_orders() -> None:
    awaiting = sa.text("'awaiting_payment'")
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(20), server_default=awaiting, nullable=False),
        sa.Column("created_at", sa.DateTime(True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_orders_user_id"),
        sa.CheckConstraint(
            "status IN ('awaiting_payment', 'paid', 'cancelled')", name=op.f("ck_orders_status")
        ),
    )
    history = ["user_id", "created_at", "id"]
    op.create_index("ix_orders_user_id_created_at_id", "orders", history)
    op.create_table(
        "order_items",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", sa.Numeric(12, 2), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "offer_id", name="pk_order_items"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_items_order_id"),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name="fk_order_items_offer_id"),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_order_items_quantity")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_order_items_price")),
    )
    op.create_index("ix_order_items_offer_id", "order_items", ["offer_id"])
