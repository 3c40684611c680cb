"""Calling a site that is not there: on its open page, in another meeting it sits in, and by e-mail (S44, S83)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from control_api.bookings.rules import said, said_en
from control_api.checks.rooms import PREFIX
from control_api.directory.addresses import technical_of
from control_api.mail.letters import Addressee, write
from control_api.meeting.invitations import Way
from control_api.meeting.lobby import Ring
from signaling.messages import Cue

if TYPE_CHECKING:
    from control_api.services import Services

CUE_SECONDS = 60.0


class Ringer:
    """The `Ring` of a control process."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, conference: str, sites: Sequence[str]) -> Mapping[str, Way]:
        """How each site was reached; those that are left out must be telephoned."""
        title = str(self._services.live.state(conference)["title"])
        ways: dict[str, Way] = {}
        for site in await self._write(conference, title, sites):
            ways[site] = "notice"
        for site in sites:
            if self._ring(conference, title, site):
                ways[site] = "page"
        return ways

    def _ring(self, conference: str, title: str, site: str) -> bool:
        """Whether somebody at the site sees and hears it now."""
        vi = f"Mời điểm cầu vào phiên họp “{title}”. Phiên họp đang chờ."
        en = f"Please join the meeting “{title}”. It is waiting for you."
        its_id = f"r-{secrets.token_hex(6)}"
        rung = self._services.lobby.ring(conference, site, Ring(its_id, vi, en))
        cue = Cue(id=its_id, kind="call", vi=vi, en=en, seconds=CUE_SECONDS)
        others = {str(one["id"]) for one in self._services.live.conferences()} - {conference}
        for other in others:  # it may sit in another meeting; a test room shows no cues, its page waits in the lobby
            if not other.startswith(PREFIX) and self._services.live.tell_site(other, site, cue):
                rung = True
        return rung

    async def _write(self, conference: str, title: str, sites: Sequence[str]) -> list[str]:
        """Letters with the site's own link; older links go on working.  Without a mail server nothing is written."""
        services = self._services
        if not services.settings.mail.host:
            return []
        found, _ = await services.directory.sites(ids=list(sites))
        owners = {site.id: site.organisation_id for site in found}
        async with services.database.reading() as session:
            addressed = await technical_of(session, owners)
        told = []
        for site, whom in addressed.items():
            token = await services.live.issue_link(conference, site, actor=None, beside=True)
            await self._letter(conference, title, site, whom, services.settings.join_url(token))
            told.append(site)
        return told

    async def _letter(self, conference: str, title: str, site: str, whom: Sequence[Addressee], link: str) -> None:
        now = self._services.now()
        key = f"call/{conference}/{site}/{secrets.token_hex(6)}"
        async with self._services.database.writing() as session:
            await write(
                session,
                key,
                "call",
                about=f"conference/{conference}",
                whom=whom,
                subject=f"[Mời vào họp ngay] {title}",
                vi=f"Phiên họp “{title}” đang chờ điểm cầu (gọi lúc {said(now)}). Mời mở đường dẫn sau để vào họp, "
                f"chỉ dùng cho điểm cầu này:\n{link}",
                en=f"The meeting “{title}” is waiting for your site (called at {said_en(now)}). "
                "Open the link above to join; it is for this site only.",
                now=now,
                site=site,
            )
