"""Secrets of second factors lie sealed in the database (S24, S25): the key file, rotation, a lost key, the backup."""

from __future__ import annotations

from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select, text, update

from control_api.accounts.rules import Role
from control_api.accounts.sealed_rows import purpose_of, seal_all
from control_api.accounts.sealing import SecretBox, UnreadableSecret, is_sealed
from control_api.accounts.tables import User
from control_api.store.database import Database
from control_api.upkeep.backup import make_backup
from control_api.upkeep.keys import Key
from control_api.upkeep.restore import restore
from mcu_core.errors import OperatorError
from tests.unit.control_api.test_people import enrol, login, signed_in
from tests.unit.control_api.world import PASSWORD, World, refused

PLAIN = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
BACKUP_KEY = Key(secret=bytes(range(32)))


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    return SecretBox(tmp_path / "keys" / "secrets.key")


async def stored(database: Database, username: str) -> str:
    async with database.reading() as session:
        return str(await session.scalar(select(User.totp_secret).where(User.username == username)))


async def put(database: Database, username: str, secret: str) -> None:
    async with database.writing() as session:
        await session.execute(update(User).where(User.username == username).values(totp_secret=secret, totp_since=1.0))


# ---------------------------------------------------------------------------------------------------------- the key


def test_s24_what_is_sealed_opens_for_its_own_purpose_only(box: SecretBox, tmp_path: Path) -> None:
    sealed = box.seal(PLAIN, "totp/7")
    assert PLAIN not in sealed
    assert len(sealed) <= 200, "the column's width"
    assert sealed != box.seal(PLAIN, "totp/7")
    assert box.open(sealed, "totp/7") == PLAIN
    assert (tmp_path / "keys" / "secrets.key").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in (tmp_path / "keys").iterdir()] == ["secrets.key"]
    with pytest.raises(UnreadableSecret):
        box.open(sealed, "totp/8")
    for damaged in (sealed[:-8], sealed[:-6] + "AAAA==", sealed[:20]):
        with pytest.raises(UnreadableSecret):
            box.open(damaged, "totp/7")


def test_rotation_keeps_one_older_key(box: SecretBox) -> None:
    first = box.seal(PLAIN, "totp/7")
    box.rotate()
    assert box.open(first, "totp/7") == PLAIN
    assert not box.is_current(first)
    assert box.is_current(second := box.seal(PLAIN, "totp/7"))
    box.rotate()
    assert box.open(second, "totp/7") == PLAIN
    with pytest.raises(UnreadableSecret):
        box.open(first, "totp/7")


def test_a_damaged_key_file_is_told_and_not_replaced(box: SecretBox, tmp_path: Path) -> None:
    sealed = box.seal(PLAIN, "totp/7")
    path = tmp_path / "keys" / "secrets.key"
    path.write_text("rác\n", encoding="utf-8")
    for does in (lambda: box.open(sealed, "totp/7"), lambda: box.seal(PLAIN, "totp/7"), box.rotate):
        with pytest.raises(OperatorError, match="bad_secrets_key") as caught:
            does()
        assert "reset-totp" in caught.value.vi
    assert path.read_text(encoding="utf-8") == "rác\n"


# ----------------------------------------------------------------------------------------------------- the database


async def test_s24_no_second_factor_can_be_read_in_the_database(world: World) -> None:
    host = await world.sign_in(Role.HOST)
    secret, _ = await enrol(world, host)
    kept = await stored(world.services.database, "host")
    assert is_sealed(kept)
    assert secret not in kept
    world.clock.now += 30
    await signed_in(world, "host", PASSWORD, pyotp.TOTP(secret).at(world.clock.now))


async def test_secrets_of_an_older_version_are_sealed_and_go_on_working(world: World) -> None:
    database, box = world.services.database, world.services.accounts.secrets
    await put(database, "host", PLAIN)
    await signed_in(world, "host", PASSWORD, pyotp.TOTP(PLAIN).at(world.clock.now))
    assert (await seal_all(database, box)).sealed == 1
    sealed = await stored(database, "host")
    assert is_sealed(sealed)
    assert (await seal_all(database, box)).sealed == 0, "a second time changes nothing"
    box.rotate()
    assert (await seal_all(database, box)).sealed == 1
    assert await stored(database, "host") != sealed
    world.clock.now += 30
    await signed_in(world, "host", PASSWORD, pyotp.TOTP(PLAIN).at(world.clock.now))


async def test_s24_a_lost_key_is_said_and_an_administrator_resets(world: World) -> None:
    host = await world.sign_in(Role.HOST)
    secret, codes = await enrol(world, host)
    world.services.settings.secrets_key.unlink()
    world.clock.now += 30
    _, answer = await login(world, "host", PASSWORD, pyotp.TOTP(secret).at(world.clock.now))
    error = await refused(answer, 409)
    assert error["code"] == "second_factor_unreadable"
    assert "quản trị viên" in error["vi"]
    await signed_in(world, "host", PASSWORD, codes[0])  # recovery codes need no key
    assert (await seal_all(world.services.database, world.services.accounts.secrets)).lost == ("host",)
    administrator = await world.sign_in(Role.ADMINISTRATOR)
    assert (await administrator.delete("/api/v1/users/host/second-factor")).status == 204
    client = await signed_in(world, "host", PASSWORD)
    secret, _ = await enrol(world, client)
    world.clock.now += 30
    await signed_in(world, "host", PASSWORD, pyotp.TOTP(secret).at(world.clock.now))


async def test_wrong_codes_count_towards_the_lock_also_when_the_key_is_lost(world: World) -> None:
    host = await world.sign_in(Role.HOST)
    await enrol(world, host)
    world.services.settings.secrets_key.unlink()
    for _ in range(3):
        _, answer = await login(world, "host", PASSWORD, "000000")
        assert (await refused(answer, 409))["code"] == "second_factor_unreadable"
    assert (await world.services.people.get("host")).failures == 3


# ------------------------------------------------------------------------------------------------------- the backup


async def test_s02_a_backup_brings_the_keys_of_its_secrets_to_another_machine(world: World, tmp_path: Path) -> None:
    host = await world.sign_in(Role.HOST)
    secret, _ = await enrol(world, host)
    box = world.services.accounts.secrets
    source = f"sqlite+aiosqlite:///{tmp_path}/mcu.sqlite3"
    made = await make_backup(source, tmp_path / "backups", BACKUP_KEY, keep=3, secrets=box)
    assert box.exported()[0].encode() not in made.path.read_bytes()
    elsewhere = SecretBox(tmp_path / "elsewhere" / "secrets.key")
    elsewhere.seal("something", "else")  # a machine that has a key of its own already
    own = elsewhere.exported()[0]
    target = f"sqlite+aiosqlite:///{tmp_path}/elsewhere/mcu.sqlite3"
    restored = await restore(made.path, BACKUP_KEY, target, secrets=elsewhere)
    assert restored.lost == ()
    assert elsewhere.exported() == [own, *box.exported()]
    database = Database(target)
    try:
        user = (await world.services.people.get("host")).id
        kept = await stored(database, "host")
        assert elsewhere.is_current(kept)
        assert elsewhere.open(kept, purpose_of(user)) == secret
    finally:
        await database.close()


async def test_a_backup_without_keys_tells_whose_second_factor_is_lost(tmp_path: Path, world: World) -> None:
    await enrol(world, await world.sign_in(Role.HOST))
    made = await make_backup(f"sqlite+aiosqlite:///{tmp_path}/mcu.sqlite3", tmp_path / "backups", BACKUP_KEY, keep=3)
    target = f"sqlite+aiosqlite:///{tmp_path}/elsewhere/mcu.sqlite3"
    restored = await restore(made.path, BACKUP_KEY, target, secrets=SecretBox(tmp_path / "elsewhere" / "secrets.key"))
    assert restored.lost == ("host",)
    database = Database(target)
    async with database.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM users"))).scalar_one() == len(Role)
    await database.close()
