"""Who will speak by the script: their sound and picture are checked a second time (S84, appendix step 6)."""

from __future__ import annotations

from control_api.preparation.meetings import Meeting
from control_api.scripts.models import SpeakerAnswer
from control_api.scripts.store import Script
from control_api.services import Services


async def speakers_of(services: Services, meeting: Meeting, script: Script) -> list[SpeakerAnswer]:
    """In the order of their first scene; the main site is not among them, it is checked by those who run it."""
    names = {site.id: site.name for site in meeting.sites}
    main = meeting.main
    scenes: dict[str, list[str]] = {}
    for scene in script.scenes:
        assert scene.id is not None, "stored scenes have ids"
        for site in scene.speaking:
            if main is None or site != main.id:
                scenes.setdefault(site, []).append(scene.id)
    passed = await second_checks(services, meeting.conference_id)
    return [
        SpeakerAnswer(site=site, name=names.get(site, site), scenes=tuple(named), checked=passed.get(site))
        for site, named in scenes.items()
    ]


async def ask_second_checks(services: Services, meeting: Meeting, script: Script, by: str) -> None:
    """Put those that will speak into the queue of second checks; not those that are in it, or passed."""
    invited = {site.id for site in meeting.sites}
    known = await services.checks.store.of_conference(meeting.conference_id)
    reason = "Điểm cầu phát biểu theo kịch bản: kiểm tra lại hình, tiếng (Phụ lục, bước 6)."
    for one in await speakers_of(services, meeting, script):
        if one.site in invited and (one.site, "speaker") not in known.retests:
            await services.checks.store.ask_retest(meeting.conference_id, one.site, "speaker", reason, by)


async def second_checks(services: Services, conference_id: str) -> dict[str, bool]:
    """Outcome of the second check by site; a site that had none is missing."""
    known = await services.checks.store.of_conference(conference_id)
    found = {}
    for (site, purpose), asked in known.retests.items():
        check = known.newest.get(site)
        if purpose != "speaker" or check is None:
            continue
        if asked.done_at is not None:
            found[site] = True
        elif check.row.purpose == "speaker" and check.row.at >= asked.asked_at:
            found[site] = check.good
    return found
