"""Makes the table of records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLE = "prodsys_record"
_INDICES = {
    "key": ("key",),
    "run": ("production", "run", "kind", "at"),
    "campaign": ("campaign", "kind", "at"),
    "transformation": ("transformation", "kind", "at"),
    "kind": ("kind", "at"),
}


def upgrade() -> None:
    """Make it, with its indices."""
    words = ("vo", "production", "run", "step", "name", "campaign", "content")
    op.create_table(
        _TABLE,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transformation", sa.BigInteger),
        *(sa.Column(word, sa.Text, nullable=False) for word in words),
    )
    for name, columns in _INDICES.items():
        op.create_index(f"ix_{_TABLE}_{name}", _TABLE, list(columns), unique=name == "key")


def downgrade() -> None:
    """Remove it, and all records."""
    op.drop_table(_TABLE)
