"""Which checks are answered, and which move the flow."""

from __future__ import annotations

import random

import pytest
from aioice import stun

from mcu_core.relay.ice_lite import OLD_PAIR_KEPT, Credentials, IceLite, Verdict, local_ufrag, parse_request

HOME, AWAY = ("192.0.2.1", 5000), ("198.51.100.9", 6000)


def check(
    credentials: Credentials,
    *,
    nominate: bool = False,
    role: str = "ICE-CONTROLLING",
    password: str | None = None,
    name: str | None = None,
    transaction: bytes | None = None,
) -> stun.Message:
    """A browser's binding request, through bytes as on the wire."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, transaction)
    message.attributes["USERNAME"] = name or f"{credentials.local_ufrag}:{credentials.remote_ufrag}"
    message.attributes[role] = 1
    message.attributes["PRIORITY"] = 1
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity((password or credentials.local_password).encode())
    parsed = parse_request(bytes(message))
    assert parsed is not None
    return parsed


@pytest.fixture
def ice() -> IceLite:
    return IceLite(Credentials.create("theirs", "p" * 24))


def settle(ice: IceLite, now: float = 0.0) -> None:
    verdict = ice.check(check(ice.credentials), HOME, now)
    assert verdict.follow
    ice.moved(HOME, now)


def test_first_authenticated_check_gives_the_address(ice: IceLite) -> None:
    verdict = ice.check(check(ice.credentials), HOME, 0.0)
    assert verdict.follow
    assert verdict.reply is not None
    answer = stun.parse_message(verdict.reply)
    assert answer.message_class == stun.Class.RESPONSE
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == HOME
    assert answer.check_message_integrity(ice.credentials.local_password.encode())


def test_ipv6_zone_is_not_told(ice: IceLite) -> None:
    verdict = ice.check(check(ice.credentials), ("fe80::1%eth0", 5000, 0, 2), 0.0)
    assert verdict.reply is not None
    assert stun.parse_message(verdict.reply).attributes["XOR-MAPPED-ADDRESS"] == ("fe80::1", 5000)


@pytest.mark.parametrize("wrong", [{"password": "wrong" * 5}, {"name": "nobody:theirs"}, {"name": "{}:nobody"}])
def test_wrong_password_or_name_is_met_with_silence(ice: IceLite, wrong: dict[str, str]) -> None:
    wrong = {key: text.format(ice.credentials.local_ufrag) for key, text in wrong.items()}
    assert ice.check(check(ice.credentials, **wrong), HOME, 0.0) == Verdict()  # type: ignore[arg-type]


def test_check_without_integrity_is_met_with_silence(ice: IceLite) -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ice.credentials.local_ufrag}:theirs"
    parsed = parse_request(bytes(message))
    assert parsed is not None
    assert ice.check(parsed, HOME, 0.0) == Verdict()


def test_role_conflict_is_answered_with_487(ice: IceLite) -> None:
    verdict = ice.check(check(ice.credentials, role="ICE-CONTROLLED"), HOME, 0.0)
    assert not verdict.follow
    assert verdict.reply is not None
    assert stun.parse_message(verdict.reply).error_code == 487


def test_nomination_moves_the_flow_at_once(ice: IceLite) -> None:
    settle(ice)
    ice.heard = 10.0
    assert not ice.check(check(ice.credentials), AWAY, 10.1).follow
    assert ice.check(check(ice.credentials, nominate=True), AWAY, 10.1).follow


def test_plain_check_moves_the_flow_only_after_a_second_of_silence(ice: IceLite) -> None:
    settle(ice)
    ice.heard = 10.0
    assert not ice.check(check(ice.credentials), AWAY, 10.9).follow
    assert ice.check(check(ice.credentials), AWAY, 11.1).follow


def test_check_from_the_current_address_counts_as_heard(ice: IceLite) -> None:
    settle(ice)
    assert not ice.check(check(ice.credentials), HOME, 5.0).follow
    assert ice.heard == 5.0


def test_replayed_check_from_elsewhere_moves_nothing(ice: IceLite) -> None:
    settle(ice)
    nominating = check(ice.credentials, nominate=True)
    ice.check(nominating, HOME, 1.0)
    verdict = ice.check(nominating, AWAY, 20.0)
    assert verdict.reply is not None
    assert not verdict.follow


def test_restart_keeps_the_old_pair_for_a_while(ice: IceLite) -> None:
    settle(ice)
    old = ice.credentials
    ice.restart(Credentials.create("newer", "q" * 24), 100.0)
    assert ice.check(check(old), HOME, 101.0).authentic
    assert not ice.check(check(old, nominate=True), AWAY, 101.5).follow
    assert ice.check(check(ice.credentials, nominate=True), AWAY, 102.0).follow
    assert ice.expire(102.5) is None
    assert ice.expire(104.1) == old
    assert ice.check(check(old), HOME, 104.2) == Verdict()


def test_restart_that_is_never_used_ends_by_itself(ice: IceLite) -> None:
    settle(ice)
    old = ice.credentials
    ice.restart(Credentials.create("newer", "q" * 24), 100.0)
    assert ice.check(check(old), HOME, 100.0 + OLD_PAIR_KEPT - 0.1).authentic
    assert ice.check(check(old), HOME, 100.0 + OLD_PAIR_KEPT + 0.1) == Verdict()


def test_garbage_is_no_request(ice: IceLite) -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes |= {"USERNAME": "a:b", "ICE-CONTROLLING": 1, "XOR-MAPPED-ADDRESS": HOME, "PRIORITY": 7}
    message.add_message_integrity(b"key")
    good = bytes(message)
    source = random.Random(2)
    for size in range(len(good)):
        parse_request(good[:size])
        head = good[:2] + (size - 20).to_bytes(2, "big") + good[4:size] if size >= 20 else good[:size]
        parse_request(head)
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(3):
            data[source.randrange(len(data))] = source.randrange(256)
        parsed = parse_request(bytes(data))
        if parsed is not None:
            local_ufrag(parsed)
            assert ice.check(parsed, HOME, 0.0) == Verdict()
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)
    assert parse_request(bytes(response)) is None
