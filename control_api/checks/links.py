"""Links to the technical check by e-mail, and what became of each (S53, S79).

A site's link is one beside those it has: what it was sent before goes on working.  Without a mail server, or an address
of the site, nothing is written: the office shows it and the link is handed over by other ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from control_api.checks.checks import Subject
from control_api.directory.addresses import technical_of
from control_api.mail.letters import Addressee, Standing, about, check_mail, standing_of, write
from control_api.mail.tables import Letter

if TYPE_CHECKING:
    from control_api.services import Services

KIND = "check_link"
PAGE = "#kiem-tra"  # of the site page: it opens with the check
LinkStanding = Standing | Literal["not_sent"]


@dataclass(frozen=True, slots=True)
class SiteLink:
    """Whether a site was sent its link."""

    site: str
    name: str
    standing: LinkStanding
    to: tuple[str, ...] = ()  # names of the addressees
    at: float | None = None
    error: str = ""


async def links_of(services: Services, subject: Subject) -> list[SiteLink]:
    """Each site of the conference, in its order."""
    async with services.database.reading() as session:
        addressed = await technical_of(session, {site.id: site.organisation_id for site in subject.sites})
        letters, _ = await about(session, [f"conference/{subject.id}"], KIND, limit=5000)
    newest: dict[str, list[Letter]] = {}
    for letter in letters:  # the newest first
        those = newest.setdefault(letter.site_id or "", [])
        if not those or those[0].created_at == letter.created_at:
            those.append(letter)
    found = []
    for site in subject.sites:
        whom = tuple(one.name for one in addressed.get(site.id, ()))
        sent = newest.get(site.id)
        if sent:
            error = next((one.error for one in sent if one.error), "")
            at = max((one.sent_at or one.created_at for one in sent), default=None)
            found.append(SiteLink(site.id, site.name, standing_of(sent), tuple(one.name for one in sent), at, error))
        elif not whom:
            found.append(SiteLink(site.id, site.name, "no_address"))
        else:
            off = not services.settings.mail.host
            found.append(SiteLink(site.id, site.name, "mail_off" if off else "not_sent", whom))
    return found


async def send_links(services: Services, subject: Subject, sites: Sequence[str] | None, *, actor: str, key: str) -> int:
    """Send links; sites None: to those that were not sent one.  With the same `key` again nothing is sent twice.

    Returns to how many sites.  Raises Refused `mail_is_off`; OperatorError `unknown_site`.
    """
    check_mail(services.settings.mail)
    known = {one.site: one for one in await links_of(services, subject)}
    for site in sites or ():
        subject.site(site)
    wanted = [
        site
        for site in (known if sites is None else dict.fromkeys(sites))
        if known[site].standing not in (("sent", "waiting", "unsure") if sites is None else ("waiting",))
    ]
    owners = {site.id: site.organisation_id for site in subject.sites if site.id in wanted}
    async with services.database.reading() as session:
        addressed = await technical_of(session, owners)
    number = 0
    for site in wanted:
        if whom := addressed.get(site):
            number += await _send(services, subject, site, whom, actor, f"{KIND}/{subject.id}/{site}/{key}")
    return number


async def _send(
    services: Services, subject: Subject, site: str, whom: Sequence[Addressee], actor: str, key: str
) -> bool:
    token = await services.live.issue_link(subject.id, site, actor=actor, beside=True)
    link = f"{services.settings.join_url(token)}{PAGE}"
    async with services.database.writing() as session:
        return await write(
            session,
            key,
            KIND,
            about=f"conference/{subject.id}",
            whom=whom,
            subject=f"[Kiểm tra kỹ thuật] {subject.title}",
            vi=f"Đề nghị điểm cầu {subject.site(site).name} kiểm tra kỹ thuật cho “{subject.title}”: "
            f"mở đường dẫn sau tại phòng họp và làm theo hướng dẫn (chỉ dùng cho điểm cầu này):\n{link}",
            en=f"Please check your site's equipment for “{subject.title}”: open the link above in the meeting room "
            "and follow the steps. It is for this site only.",
            now=services.now(),
            site=site,
        )
