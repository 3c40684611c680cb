"""The directory: organisations, sites, contacts, assets, faults, training, requests, and every change of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "courses",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("starts_on", sa.String(10), nullable=True),
        sa.Column("ends_on", sa.String(10), nullable=True),
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("audience", sa.String(500), nullable=False),
        sa.Column("places", sa.Integer(), nullable=True),
        sa.Column("cost_vnd", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courses")),
    )
    op.create_index("ix_courses_year", "courses", ["year"], unique=False)
    op.create_table(
        "directory_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.String(80), nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=True),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("command", sa.String(64), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("before", _JSON, nullable=False),
        sa.Column("after", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_changes")),
        sa.UniqueConstraint("command", name=op.f("uq_directory_changes_command")),
    )
    op.create_index(
        "ix_directory_changes_organisation_id", "directory_changes", ["organisation_id", "id"], unique=False
    )
    op.create_index("ix_directory_changes_subject", "directory_changes", ["subject", "subject_id", "id"], unique=False)
    op.create_table(
        "directory_notices",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("to_id", sa.String(80), nullable=True),
        sa.Column("organisation_id", sa.String(80), nullable=True),
        sa.Column("site_id", sa.String(80), nullable=True),
        sa.Column("subject_id", sa.String(80), nullable=True),
        sa.Column("vi", sa.String(500), nullable=False),
        sa.Column("en", sa.String(500), nullable=False),
        sa.Column("data", _JSON, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=True),
        sa.Column("seen_by", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_notices")),
    )
    op.create_index("ix_directory_notices_seen_at", "directory_notices", ["seen_at"], unique=False)
    op.create_index("ix_directory_notices_to_id", "directory_notices", ["to_id", "at"], unique=False)
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("short_name", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("is_manager", sa.Boolean(), nullable=False),
        sa.Column("parent_id", sa.String(80), nullable=True),
        sa.Column("accountable_name", sa.String(200), nullable=False),
        sa.Column("accountable_position", sa.String(200), nullable=False),
        sa.Column("accountable_phone", sa.String(40), nullable=False),
        sa.Column("address", sa.String(300), nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.CheckConstraint("kind IN ('department', 'commune', 'carrier', 'other')", name=op.f("ck_organisations_kind")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["organisations.id"], name=op.f("fk_organisations_parent_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
    )
    op.create_index("ix_organisations_name", "organisations", ["name"], unique=False)
    op.create_index("ix_organisations_parent_id", "organisations", ["parent_id"], unique=False)
    op.create_table(
        "difficulties",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("text", sa.String(4000), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("answer", sa.String(4000), nullable=False),
        sa.Column("answered_at", sa.Double, nullable=True),
        sa.Column("answered_by", sa.String(64), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_difficulties_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_difficulties")),
    )
    op.create_index("ix_difficulties_organisation_id", "difficulties", ["organisation_id"], unique=False)
    op.create_index("ix_difficulties_state", "difficulties", ["state"], unique=False)
    op.create_table(
        "sites",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("room", sa.String(200), nullable=False),
        sa.Column("address", sa.String(300), nullable=False),
        sa.Column("endpoint_type", sa.String(20), nullable=False),
        sa.Column("endpoint", _JSON, nullable=False),
        sa.Column("peripherals", _JSON, nullable=False),
        sa.Column("presets", _JSON, nullable=False),
        sa.Column("seats", sa.Integer(), nullable=True),
        sa.Column("network", sa.String(20), nullable=False),
        sa.Column("allowed_networks", _JSON, nullable=False),
        sa.Column("carrier_id", sa.String(80), nullable=True),
        sa.Column("line_code", sa.String(80), nullable=False),
        sa.Column("line_mbps", sa.Integer(), nullable=True),
        sa.Column("reserve_line", sa.String(200), nullable=False),
        sa.Column("conditions", _JSON, nullable=False),
        sa.Column("readiness", sa.String(20), nullable=False),
        sa.Column("config_locked", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", _JSON, nullable=False),
        sa.Column("seen_fingerprint", _JSON, nullable=False),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.CheckConstraint(
            "endpoint_type IN ('browser', 'hardware', 'software', 'other')", name=op.f("ck_sites_endpoint_type")
        ),
        sa.CheckConstraint("readiness IN ('ready', 'attention', 'not_ready')", name=op.f("ck_sites_readiness")),
        sa.ForeignKeyConstraint(["carrier_id"], ["organisations.id"], name=op.f("fk_sites_carrier_id_organisations")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_sites_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
    )
    op.create_index("ix_sites_name", "sites", ["name"], unique=False)
    op.create_index("ix_sites_organisation_id", "sites", ["organisation_id"], unique=False)
    op.create_table(
        "trained_operators",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("course_id", sa.String(40), nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("position", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("username", sa.String(64), nullable=True),
        sa.Column("certificate", sa.String(80), nullable=False),
        sa.Column("issued_by", sa.String(200), nullable=False),
        sa.Column("issued_on", sa.String(10), nullable=True),
        sa.Column("expires_on", sa.String(10), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_trained_operators_course_id_courses")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_trained_operators_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trained_operators")),
    )
    op.create_index("ix_trained_operators_organisation_id", "trained_operators", ["organisation_id"], unique=False)
    op.create_table(
        "assets",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("cost_category", sa.String(20), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("serial", sa.String(80), nullable=False),
        sa.Column("code", sa.String(80), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("value_vnd", sa.BigInteger(), nullable=True),
        sa.Column("bought_on", sa.String(10), nullable=True),
        sa.Column("warranty_until", sa.String(10), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("every_months", sa.Integer(), nullable=True),
        sa.Column("maintained_on", sa.String(10), nullable=True),
        sa.Column("due_on", sa.String(10), nullable=True),
        sa.Column("replace_year", sa.Integer(), nullable=True),
        sa.Column("planned_vnd", sa.BigInteger(), nullable=True),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_assets_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_assets_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
    )
    op.create_index("ix_assets_due_on", "assets", ["due_on"], unique=False)
    op.create_index("ix_assets_organisation_id", "assets", ["organisation_id"], unique=False)
    op.create_index("ix_assets_site_id", "assets", ["site_id"], unique=False)
    op.create_table(
        "change_requests",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("wanted", _JSON, nullable=False),
        sa.Column("planned_on", sa.String(10), nullable=True),
        sa.Column("manager_id", sa.String(80), nullable=True),
        sa.Column("carrier_id", sa.String(80), nullable=True),
        sa.Column("manager_at", sa.Double, nullable=True),
        sa.Column("carrier_at", sa.Double, nullable=True),
        sa.Column("carrier_by", sa.String(200), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("decided_at", sa.Double, nullable=True),
        sa.Column("decided_by", sa.String(64), nullable=True),
        sa.Column("answer", sa.String(2000), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.CheckConstraint("kind IN ('configuration', 'endpoint', 'relocation')", name=op.f("ck_change_requests_kind")),
        sa.ForeignKeyConstraint(
            ["carrier_id"], ["organisations.id"], name=op.f("fk_change_requests_carrier_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["manager_id"], ["organisations.id"], name=op.f("fk_change_requests_manager_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_change_requests_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_change_requests_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_requests")),
    )
    op.create_index("ix_change_requests_organisation_id", "change_requests", ["organisation_id"], unique=False)
    op.create_index("ix_change_requests_site_id", "change_requests", ["site_id"], unique=False)
    op.create_index("ix_change_requests_state", "change_requests", ["state"], unique=False)
    op.create_table(
        "contacts",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("position", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("remark", sa.String(1000), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_contacts_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_contacts_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index("ix_contacts_organisation_id", "contacts", ["organisation_id"], unique=False)
    op.create_index("ix_contacts_site_id", "contacts", ["site_id"], unique=False)
    op.create_table(
        "faults",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=True),
        sa.Column("asset_id", sa.String(40), nullable=True),
        sa.Column("conference_id", sa.String(80), nullable=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("text", sa.String(2000), nullable=False),
        sa.Column("figures", _JSON, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reported_at", sa.Double, nullable=False),
        sa.Column("reported_by", sa.String(200), nullable=False),
        sa.Column("taken_at", sa.Double, nullable=True),
        sa.Column("taken_by", sa.String(64), nullable=True),
        sa.Column("done_at", sa.Double, nullable=True),
        sa.Column("done_by", sa.String(64), nullable=True),
        sa.Column("outcome", sa.String(2000), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.CheckConstraint("state IN ('open', 'in_progress', 'done')", name=op.f("ck_faults_state")),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_faults_asset_id_assets")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_faults_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_faults_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faults")),
    )
    op.create_index("ix_faults_organisation_id", "faults", ["organisation_id"], unique=False)
    op.create_index("ix_faults_site_id", "faults", ["site_id"], unique=False)
    op.create_index("ix_faults_state", "faults", ["state", "reported_at"], unique=False)
    op.create_table(
        "maintenance",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("asset_id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(80), nullable=False),
        sa.Column("site_id", sa.String(80), nullable=True),
        sa.Column("done_on", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("cost_category", sa.String(20), nullable=False),
        sa.Column("cost_vnd", sa.BigInteger(), nullable=True),
        sa.Column("done_by", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(1000), nullable=False),
        sa.Column("recorded_at", sa.Double, nullable=False),
        sa.Column("recorded_by", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_maintenance_asset_id_assets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance")),
    )
    op.create_index("ix_maintenance_asset_id", "maintenance", ["asset_id"], unique=False)
    op.create_index("ix_maintenance_organisation_id", "maintenance", ["organisation_id", "done_on"], unique=False)


def downgrade() -> None:
    op.drop_table("maintenance")
    op.drop_table("faults")
    op.drop_table("contacts")
    op.drop_table("change_requests")
    op.drop_table("assets")
    op.drop_table("trained_operators")
    op.drop_table("sites")
    op.drop_table("difficulties")
    op.drop_table("organisations")
    op.drop_table("directory_notices")
    op.drop_table("directory_changes")
    op.drop_table("courses")
