"""Hash chain of the journal, its heads and anchors; upkeep (retention, backup).

Chains the lines that are there already.  From here on triggers refuse a line that is not behind its journal's head, a
deletion that the head does not tell of, and a head that goes back.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from control_api.journal.chain import GENESIS, digest

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_ID = sa.String(80)
_HASH = sa.String(64)
_BATCH = 1000

_SQLITE = {
    "journal_no_update": """
        BEFORE UPDATE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    "journal_no_delete": """
        BEFORE DELETE ON journal
        WHEN OLD.seq > coalesce((SELECT pruned_seq FROM journal_heads WHERE conference_id = OLD.conference_id), 0)
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    "journal_in_order": """
        BEFORE INSERT ON journal
        WHEN NOT EXISTS (SELECT 1 FROM journal_heads WHERE conference_id = NEW.conference_id
                         AND seq = NEW.seq - 1 AND hash = NEW.previous)
        BEGIN SELECT RAISE(ABORT, 'a line of the journal must follow its head'); END""",
    "journal_moves_head": """
        AFTER INSERT ON journal
        BEGIN
          UPDATE journal_heads SET seq = NEW.seq, hash = NEW.hash, changed_at = NEW.at
          WHERE conference_id = NEW.conference_id;
        END""",
    "journal_heads_no_delete": """
        BEFORE DELETE ON journal_heads
        BEGIN SELECT RAISE(ABORT, 'the head of a journal stays'); END""",
    "journal_heads_no_return": """
        BEFORE UPDATE ON journal_heads
        WHEN NEW.conference_id <> OLD.conference_id OR NEW.seq < OLD.seq OR NEW.pruned_seq < OLD.pruned_seq
             OR NEW.pruned_seq > NEW.seq
        BEGIN SELECT RAISE(ABORT, 'the head of a journal does not go back'); END""",
}
_POSTGRESQL = (
    """
    CREATE FUNCTION journal_may_be_pruned() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.seq > coalesce((SELECT pruned_seq FROM journal_heads WHERE conference_id = OLD.conference_id), 0) THEN
        RAISE EXCEPTION 'the journal is append-only';
      END IF;
      RETURN OLD;
    END $$
    """,
    """
    CREATE FUNCTION journal_moves_head() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE journal_heads SET seq = NEW.seq, hash = NEW.hash, changed_at = NEW.at
      WHERE conference_id = NEW.conference_id AND seq = NEW.seq - 1 AND hash = NEW.previous;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'a line of the journal must follow its head';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION journal_heads_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'the head of a journal stays';
      END IF;
      IF NEW.conference_id <> OLD.conference_id OR NEW.seq < OLD.seq OR NEW.pruned_seq < OLD.pruned_seq
         OR NEW.pruned_seq > NEW.seq THEN
        RAISE EXCEPTION 'the head of a journal does not go back';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER journal_no_change BEFORE UPDATE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()
    """,
    """
    CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION journal_may_be_pruned()
    """,
    """
    CREATE TRIGGER journal_moves_head BEFORE INSERT ON journal
    FOR EACH ROW EXECUTE FUNCTION journal_moves_head()
    """,
    """
    CREATE TRIGGER journal_heads_stay BEFORE UPDATE OR DELETE ON journal_heads
    FOR EACH ROW EXECUTE FUNCTION journal_heads_stay()
    """,
    """
    CREATE TRIGGER journal_heads_no_truncate BEFORE TRUNCATE ON journal_heads
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()
    """,
)
_BEFORE_SQLITE = """
CREATE TRIGGER journal_no_{what} BEFORE {what} ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
"""
_BEFORE_POSTGRESQL = """
CREATE TRIGGER journal_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()
"""


def upgrade() -> None:
    op.create_table(
        "journal_heads",
        sa.Column("conference_id", _ID, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", _HASH, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("pruned_seq", sa.BigInteger, nullable=False),
        sa.Column("pruned_hash", _HASH, nullable=False),
        sa.Column("pruned_at", sa.Double),
        sa.PrimaryKeyConstraint("conference_id", name=op.f("pk_journal_heads")),
    )
    op.create_index("ix_journal_heads_changed_at", "journal_heads", ["changed_at"])
    op.create_table(
        "journal_anchors",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("conference_id", _ID, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", _HASH, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("day", "conference_id", name=op.f("pk_journal_anchors")),
    )
    op.create_index("ix_journal_anchors_conference_id", "journal_anchors", ["conference_id", "seq"])
    op.create_table(
        "upkeep_runs",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("ok", sa.Boolean),
        sa.Column("facts", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upkeep_runs")),
    )
    op.create_index("ix_upkeep_runs_kind", "upkeep_runs", ["kind", "id"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    for name in ("journal_no_update", "journal_no_delete") if sqlite else ("journal_no_change",):
        op.execute(f"DROP TRIGGER {name}" if sqlite else f"DROP TRIGGER {name} ON journal")
    op.add_column("journal", sa.Column("seq", sa.BigInteger))
    op.add_column("journal", sa.Column("previous", _HASH))
    op.add_column("journal", sa.Column("hash", _HASH))
    _chain()
    op.drop_index("ix_journal_conference_id", "journal")
    with op.batch_alter_table("journal") as journal:
        journal.alter_column("seq", existing_type=sa.BigInteger(), nullable=False)
        journal.alter_column("previous", existing_type=_HASH, nullable=False)
        journal.alter_column("hash", existing_type=_HASH, nullable=False)
        journal.create_unique_constraint(op.f("uq_journal_conference_id"), ["conference_id", "seq"])
    op.create_index("ix_journal_site", "journal", ["site", "id"])
    if sqlite:
        for name, body in _SQLITE.items():
            op.execute(f"CREATE TRIGGER {name} {body}")
    else:
        for statement in _POSTGRESQL:
            op.execute(statement)


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        for name in _SQLITE:
            op.execute(f"DROP TRIGGER {name}")
    else:
        for name in ("journal_no_change", "journal_no_delete", "journal_moves_head"):
            op.execute(f"DROP TRIGGER {name} ON journal")
    op.drop_index("ix_journal_site", "journal")
    with op.batch_alter_table("journal") as journal:
        journal.drop_constraint(op.f("uq_journal_conference_id"), type_="unique")
        for column in ("hash", "previous", "seq"):
            journal.drop_column(column)
    op.create_index("ix_journal_conference_id", "journal", ["conference_id", "id"])
    for table in ("upkeep_runs", "journal_anchors", "journal_heads"):
        op.drop_table(table)
    if sqlite:
        for what in ("update", "delete"):
            op.execute(_BEFORE_SQLITE.format(what=what))
    else:
        for function in ("journal_may_be_pruned", "journal_moves_head", "journal_heads_stay"):
            op.execute(f"DROP FUNCTION {function}()")
        op.execute(_BEFORE_POSTGRESQL)


def _chain() -> None:
    """Give the lines that are there their numbers and hashes, and each journal its head."""
    bind = op.get_bind()
    journal = sa.table(
        "journal",
        *(
            sa.column(name, kind)
            for name, kind in (
                ("id", sa.BigInteger),
                ("conference_id", _ID),
                ("at", sa.Double),
                ("what", sa.String),
                ("actor", sa.String),
                ("site", sa.String),
                ("data", _JSON),
            )
        ),
    )
    step = sa.text("UPDATE journal SET seq = :seq, previous = :previous, hash = :hash WHERE id = :id")
    heads: dict[str, tuple[int, str, float]] = {}
    last = 0
    while rows := bind.execute(
        sa.select(journal).where(journal.c.id > last).order_by(journal.c.id).limit(_BATCH)
    ).all():
        changes = []
        for row in rows:
            seq, previous, _ = heads.get(row.conference_id, (0, GENESIS, 0.0))
            data: Any = json.loads(row.data) if isinstance(row.data, str) else row.data
            own = digest(row.conference_id, seq + 1, previous, row.at, row.what, row.actor, row.site, data)
            heads[row.conference_id] = seq + 1, own, row.at
            changes.append({"id": row.id, "seq": seq + 1, "previous": previous, "hash": own})
        bind.execute(step, changes)
        last = rows[-1].id
    if heads:
        bind.execute(
            sa.text(
                "INSERT INTO journal_heads (conference_id, seq, hash, changed_at, pruned_seq, pruned_hash)"
                " VALUES (:conference_id, :seq, :hash, :at, 0, :genesis)"
            ),
            [
                {"conference_id": conference_id, "seq": seq, "hash": own, "at": at, "genesis": GENESIS}
                for conference_id, (seq, own, at) in heads.items()
            ],
        )
