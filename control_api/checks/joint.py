"""The joint check before a meeting: who must give their word (S36: four parties for class A, S39: the agencies for B).

A member site's own passed check counts as its word.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from control_api.accounts.rules import Right, Role


class Party(StrEnum):
    SO = "so"  # the Sở, which runs the MCU
    MAIN = "main"  # operators of the main site
    MEMBER = "member"  # operators of each member site
    CARRIER = "carrier"  # the provider of the dedicated network


NEEDED: Mapping[str, tuple[Party, ...]] = {
    "A": (Party.SO, Party.MAIN, Party.MEMBER, Party.CARRIER),
    "B": (Party.MAIN, Party.MEMBER),
    "C": (),  # one provincial site: its own check
}


@dataclass(frozen=True, slots=True)
class Word:
    """What is known of one party (of one site where it is a member's)."""

    party: Party
    site: str | None
    good: bool | None  # none: nothing said yet
    by_check: bool = False  # the machine's check stands for it


def may_confirm(role: Role, party: Party) -> bool:
    """The Sở may give anybody's word (told by telephone, with the name); others only their own party's."""
    if Right.DECIDE in role.rights:
        return True
    match party:
        case Party.SO:
            return False
        case Party.CARRIER:
            return role is Role.CARRIER
        case Party.MAIN | Party.MEMBER:
            return Right.CHECK in role.rights
    raise AssertionError(party)


def words(
    class_: str, members: Iterable[str], said: Mapping[tuple[Party, str], bool], passed: Iterable[str]
) -> list[Word]:
    """All words that are needed.  `said`: by party and site ("" where there is none); `passed`: sites by check."""
    good, found = set(passed), []
    for party in NEEDED.get(class_, NEEDED["B"]):
        if party is not Party.MEMBER:
            found.append(Word(party, None, said.get((party, ""))))
            continue
        for site in members:
            word = said.get((party, site))
            found.append(Word(party, site, True if word is None and site in good else word, word is None))
    return found


def complete(found: Iterable[Word]) -> bool:
    return all(word.good for word in found)
