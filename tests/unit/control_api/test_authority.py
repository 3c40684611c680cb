"""Who may touch what: scope, and the classes of article 9."""

from __future__ import annotations

import pytest

from control_api.accounts.accounts import SignedIn
from control_api.accounts.authority import Class, Meeting, may_operate, may_watch
from control_api.accounts.rules import Right, Role
from control_api.accounts.scope import check_scope, in_scope, of_so
from control_api.problems import Refused


def who(role: Role, organisation: str | None = None) -> SignedIn:
    return SignedIn(1, role.value, role.value, role, "digest", organisation)


def test_s27_an_agency_reaches_its_own_and_the_so_reaches_all() -> None:
    for user in (who(Role.OFFICER), who(Role.ADMINISTRATOR, "so-y-te"), who(Role.AUDITOR), who(Role.OPERATOR)):
        assert in_scope(user, "xa-van-mon")
        assert in_scope(user, None)
    agency = who(Role.HOST, "so-y-te")
    assert in_scope(agency, "so-y-te")
    for other in ("xa-van-mon", None):
        with pytest.raises(Refused, match="not_yours"):
            check_scope(agency, other)
    assert not in_scope(who(Role.VIEWER), "so-y-te")
    assert not in_scope(who(Role.TECHNICIAN), None)


def test_the_so_is_who_runs_the_mcu() -> None:
    assert of_so(who(Role.OFFICER))
    assert of_so(who(Role.OPERATOR))
    assert not of_so(who(Role.OPERATOR, "so-y-te"))
    assert not of_so(who(Role.AUDITOR))


@pytest.mark.parametrize("class_", ["A", "B", "C"])
def test_s34_s37_s38_s40_the_class_says_who_operates(class_: Class) -> None:
    """S37: class A by the Sở alone; S38, S40: class B by the host's operator, the Sở may step in."""
    meeting = Meeting(class_, host="so-y-te")
    assert may_operate(who(Role.OFFICER), meeting)
    assert may_operate(who(Role.OPERATOR), meeting)
    assert may_operate(who(Role.OPERATOR, "so-y-te"), meeting) == (class_ == "B")
    assert not may_operate(who(Role.OPERATOR, "xa-van-mon"), meeting)
    assert not may_operate(who(Role.HOST, "so-y-te"), meeting), "the right to operate is not the host's"


def test_s41_s42_class_c_is_the_hosts_where_it_hired_a_service() -> None:
    assert may_operate(who(Role.OPERATOR, "so-y-te"), Meeting("C", "so-y-te", service_hired=True))
    assert not may_operate(who(Role.OPERATOR, "so-y-te"), Meeting("C", "so-y-te"))


def test_without_a_booking_the_right_alone_counts() -> None:
    assert may_operate(who(Role.OPERATOR, "so-y-te"), None)
    assert not may_operate(who(Role.VIEWER), None)


def test_s25_pictures_go_to_those_who_take_part() -> None:
    meeting = Meeting("B", "so-y-te", participants=frozenset({"xa-van-mon"}))
    assert may_watch(who(Role.TECHNICIAN, "xa-van-mon"), meeting)
    assert may_watch(who(Role.HOST, "so-y-te"), meeting)
    assert may_watch(who(Role.VIEWER), meeting)
    assert not may_watch(who(Role.OPERATOR, "xa-gia-binh"), meeting)


def test_s62_the_carrier_never_gets_sound_or_picture() -> None:
    assert not may_watch(who(Role.CARRIER), None)
    assert not may_watch(who(Role.CARRIER, "vnpt"), Meeting("B", "vnpt"))
    assert Role.CARRIER.rights == {Right.LINES, Right.SIGNED_IN}
