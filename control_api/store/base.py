"""Base of all tables: one naming rule for constraints, so that migrations can name what they change on both databases.

Tables live with their feature (`accounts/tables.py`, `conferences/tables.py`); `store/tables.py` gathers them.
Times are Unix seconds as double precision.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, Double, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

Json = dict[str, Any]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        float: Double(),
        Json: JSON().with_variant(JSONB(), "postgresql"),
    }
