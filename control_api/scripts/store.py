"""Scripts in the database.

The tiles of layouts that the office drew are copied into the script, for when a layout is removed; one drawn anew since
is played as it is now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from control_api.journal.rows import append
from control_api.live.store import JournalEntry, Json
from control_api.problems import Refused
from control_api.scripts.models import Scene
from control_api.scripts.rules import Tiles
from control_api.scripts.tables import ScriptRow
from control_api.store.database import Database
from mcu_core.scene import CustomTile


@dataclass(frozen=True, slots=True)
class Script:
    conference_id: str
    revision: int = 0
    scenes: tuple[Scene, ...] = ()
    tiles: Tiles | None = None  # None: none of its layouts was drawn by the office
    changed_at: float | None = None
    changed_by: str | None = None

    @property
    def drawn(self) -> Tiles:
        return self.tiles or {}


class ScriptStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, conference_id: str) -> Script:
        """The script, an empty one of revision 0 when there is none."""
        async with self._database.reading() as session:
            row = await session.get(ScriptRow, conference_id)
        return Script(conference_id) if row is None else _script(row)

    async def replace(
        self,
        conference_id: str,
        revision: int,
        scenes: Sequence[Scene],
        tiles: Tiles,
        *,
        by: str,
        now: float,
        command_id: str | None,
    ) -> Script:
        """Put a new script in the place of the one of `revision`; its new scenes get their ids here.

        A repetition with the same `command_id` finds its work done.  Raises Refused `script_changed` when somebody else
        changed the script meanwhile.
        """
        command = None if command_id is None else hashlib.sha256(command_id.encode()).hexdigest()
        named = with_ids(scenes, f"{command}" if command else f"{conference_id}/{revision}/{now}")
        document: Json = {
            "scenes": [scene.model_dump(mode="json", by_alias=True) for scene in named],
            "tiles": {name: [asdict(tile) for tile in drawn] for name, drawn in tiles.items()},
        }
        values = {
            "revision": revision + 1,
            "document": document,
            "changed_at": now,
            "changed_by": by,
            "command": command,
        }
        async with self._database.writing() as session:
            if revision == 0:
                dialect = sqlite if self._database.is_sqlite else postgresql
                new = dialect.insert(ScriptRow).values(conference_id=conference_id, **values)
                done = await session.scalar(new.on_conflict_do_nothing().returning(ScriptRow.revision))
            else:
                same = ScriptRow.conference_id == conference_id, ScriptRow.revision == revision
                done = await session.scalar(
                    update(ScriptRow).where(*same).values(**values).returning(ScriptRow.revision)
                )
            row = await session.scalar(select(ScriptRow).where(ScriptRow.conference_id == conference_id))
            if done is None:
                if row is None or command is None or row.command != command:
                    raise script_changed(0 if row is None else row.revision, None if row is None else row.changed_by)
                return _script(row)
            assert row is not None
            data: Json = {"revision": row.revision, "scenes": len(named)}
            await append(session, conference_id, [JournalEntry(now, "script_saved", by, None, data)])
        return _script(row)


def with_ids(scenes: Sequence[Scene], seed: str) -> tuple[Scene, ...]:
    """The scenes, each with an id; those made here follow from `seed` and the place, so a repetition makes the same."""
    taken = {scene.id for scene in scenes}
    named = []
    for number, scene in enumerate(scenes):
        made, salt = scene.id, 0
        while made is None or (scene.id is None and made in taken):
            made = f"s-{hashlib.sha256(f'{seed}/{number}/{salt}'.encode()).hexdigest()[:10]}"
            salt += 1
        taken.add(made)
        named.append(scene.model_copy(update={"id": made}))
    return tuple(named)


def script_changed(revision: int, by: str | None) -> Refused:
    return Refused(
        "script_changed",
        f"Kịch bản đã được {by or 'người khác'} sửa trong lúc bạn soạn. Hãy tải lại rồi sửa tiếp.",
        f"The script was changed by {by or 'somebody else'} meanwhile. Load it again, then change it.",
        detail={"revision": revision},
    )


def _script(row: ScriptRow) -> Script:
    scenes = tuple(Scene.model_validate(scene) for scene in row.document["scenes"])
    tiles: Mapping[str, tuple[CustomTile, ...]] = {
        name: tuple(CustomTile(**tile) for tile in drawn) for name, drawn in row.document["tiles"].items()
    }
    return Script(row.conference_id, row.revision, scenes, tiles, row.changed_at, row.changed_by)
