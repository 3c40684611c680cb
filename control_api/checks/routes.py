"""Technical checks, for people with an account: progress, sheets, overrides, retests, the joint check, self-tests."""

from __future__ import annotations

import secrets

from control_api.accounts.rules import Right, Role
from control_api.accounts.scope import check_scope, in_scope, not_yours, reads, reads_all
from control_api.api import Call, Download, Routes
from control_api.bookings.gates import GATES
from control_api.bookings.steps import Step
from control_api.checks.answers import (
    board_answer,
    check_answer,
    joint_answer,
    line_answer,
    progress_answer,
    retest_answer,
    self_test_answer,
)
from control_api.checks.checks import Checks, Subject
from control_api.checks.gate import sites_are_checked
from control_api.checks.joint import Party, may_confirm, words
from control_api.checks.links import SiteLink, links_of, send_links
from control_api.checks.measured import Measured
from control_api.checks.models import (
    BoardAnswer,
    CheckAnswer,
    CheckId,
    CheckQuery,
    JointAnswer,
    LineAnswer,
    LinkAnswer,
    NewOverride,
    NewRetest,
    NewRound,
    NewWord,
    ProgressAnswer,
    RetestAnswer,
    RoomCheck,
    SelfTestAnswer,
    SelfTestId,
    SelfTestQuery,
    SendLinks,
    SheetBody,
    local,
)
from control_api.checks.people import clean_phone
from control_api.checks.progress import SiteAt
from control_api.checks.rooms import PREFIX
from control_api.checks.rounds import start_round
from control_api.checks.store import NewCheck, Sheet, check_id
from control_api.checks.verdict import judge
from control_api.checks.watching import look
from control_api.conferences.models import ConferenceId, SiteId
from control_api.problems import Refused, forbidden

routes = Routes("checks")
GATES[Step.CHECKED].append(sites_are_checked)


# -------------------------------------------------------------------------------------------------------- progress


@routes.get("/check-boards", right=Right.READ)
async def list_check_boards(call: Call, query: SelfTestQuery) -> list[BoardAnswer]:
    """The meetings that are prepared or held now, each with how far its checks are; the next one first."""
    checks = call.services.checks
    found = []
    for one in call.services.live.conferences():
        if str(one["id"]).startswith(PREFIX):
            continue
        subject = await checks.subject(one["id"])
        if not any(reads(call.user, site) for site in (subject.organisation_id, *_owners(subject))):
            continue
        sites, _ = await checks.progress(subject)
        found.append(board_answer(subject, sites, call.services.now()))
    found.sort(key=lambda board: (board.starts_at is None, board.starts_at or local(0.0), board.conference))
    call.headers["X-Total-Count"] = str(len(found))
    return found[query.offset : query.offset + query.limit]


@routes.get("/conferences/{conference}/checks", right=Right.READ)
async def check_progress(call: Call, conference: ConferenceId) -> ProgressAnswer:
    """How many sites have passed, and the red list (S79, S81, S82)."""
    checks = call.services.checks
    subject = await checks.subject(conference)
    sites, _ = await checks.progress(subject)
    if not reads(call.user, subject.organisation_id):
        sites = [one for one in sites if reads(call.user, one.site.organisation_id)]
        if not sites:
            raise not_yours()
    return progress_answer(subject, sites, call.services.now())


@routes.get("/conferences/{conference}/checks/lines", right=Right.LINES)
async def check_lines(call: Call, conference: ConferenceId) -> list[LineAnswer]:
    """The newest figures of each site's line, without anything else of the check (S62)."""
    known = await call.services.checks.store.of_conference((await call.services.checks.subject(conference)).id)
    found = [line_answer(check) for _, check in sorted(known.newest.items())]
    return [one for one in found if one is not None]


@routes.get("/checks", right=Right.READ)
async def list_checks(call: Call, query: CheckQuery) -> list[CheckAnswer]:
    """Checks of all meetings, newest first: the history of a site, or of a conference (S48)."""
    checks = call.services.checks
    own = call.user.organisation
    sites = None if own is None or reads_all(call.user) else await checks.sites_of(own)
    verdict = None if query.verdict is None else query.verdict.value
    found, total = await checks.store.page(
        conference=query.conference,
        site=query.site,
        sites=sites,
        verdict=verdict,
        offset=query.offset,
        limit=query.limit,
    )
    call.headers["X-Total-Count"] = str(total)
    return [check_answer(check) for check in found]


@routes.get("/checks/{check}", right=Right.READ)
async def get_check(call: Call, check: CheckId) -> CheckAnswer:
    """One sheet."""
    found = await call.services.checks.store.get(check)
    await _check_reach(call, found.row.conference_id, found.row.site_id)
    return check_answer(found)


@routes.get("/checks/{check}/still", right=Right.WATCH, produces=("image/jpeg",))
async def get_still(call: Call, check: CheckId) -> Download:
    """The still picture; only for accounts that may watch meetings, and of sites within reach."""
    found = await call.services.checks.store.get(check)
    await _check_reach(call, found.row.conference_id, found.row.site_id)
    still = await call.services.checks.store.still(check)
    if still is None:
        raise Refused("unknown_still", "Phiếu này không có ảnh chụp.", "There is no still picture with this check.")
    return Download(still.jpeg, "image/jpeg")


@routes.post("/checks/{check}/override", right=Right.DECIDE)
async def override_check(call: Call, check: CheckId, body: NewOverride) -> CheckAnswer:
    """Decide otherwise than the machine, with a remark; both verdicts are kept and journalled (S81)."""
    key = check_id("override", check, call.command_id or secrets.token_hex(16))
    found = await call.services.checks.store.override(key, check, body.verdict, body.remark, call.user.username)
    return check_answer(found)


@routes.post("/conferences/{conference}/sites/{site}/check", right=Right.OPERATE, status=201)
async def check_room(call: Call, conference: ConferenceId, site: SiteId, body: RoomCheck) -> CheckAnswer:
    """The form of a site with a hardware room: its leg is watched for some seconds, people say the rest (S80, S81)."""
    checks = call.services.checks
    subject = await checks.subject(conference)
    at = subject.site(site)
    _check_site(call, subject, at)
    sheet = sheet_of(body.sheet, call.user.name)
    key = check_id("room", conference, site, call.command_id or secrets.token_hex(16))
    seen = await look(call.services.live, conference, site, body.seconds)
    measured = Measured(officer=body.saw, mcu=seen.mcu(), line=seen.line())
    judged = judge(measured, device_ready=sheet.device_ready, video=at.video)
    new = NewCheck(key, conference, site, at.name, "room", body.purpose, sheet, measured, judged, by=call.user.username)
    made = await checks.store.add(new)
    call.headers["Location"] = f"/api/v1/checks/{made.row.id}"
    return check_answer(made)


# --------------------------------------------------------------------------------------------------------- retests


@routes.get("/conferences/{conference}/retests", right=Right.READ)
async def list_retests(call: Call, conference: ConferenceId) -> list[RetestAnswer]:
    """The retest queue, and the second checks of speakers; done ones with their stamp (S84, S85)."""
    checks = call.services.checks
    subject = await checks.subject(conference)
    known = await checks.store.of_conference(conference)
    sites = {site.id: site for site in subject.sites if _reaches(call, subject, site)}
    rows = sorted(known.retests.values(), key=lambda row: (row.done_at is not None, row.asked_at))
    return [retest_answer(row, sites[row.site_id].name) for row in rows if row.site_id in sites]


@routes.post("/conferences/{conference}/sites/{site}/retest", right=Right.OPERATE)
async def ask_retest(call: Call, conference: ConferenceId, site: SiteId, body: NewRetest) -> RetestAnswer:
    """Ask a site to check again in its private test room (S85), or a second time because it will speak (S84)."""
    checks = call.services.checks
    subject = await checks.subject(conference)
    at = subject.site(site)
    _check_site(call, subject, at)
    await checks.store.ask_retest(conference, site, body.purpose, body.reason, call.user.username)
    known = await checks.store.of_conference(conference)
    return retest_answer(known.retests[site, body.purpose], at.name)


@routes.delete("/conferences/{conference}/sites/{site}/retest", right=Right.DECIDE)
async def drop_retest(call: Call, conference: ConferenceId, site: SiteId) -> None:
    """Take a site out of the retest queue."""
    checks = call.services.checks
    (await checks.subject(conference)).site(site)
    for purpose in ("retest", "speaker"):
        await checks.store.drop_retest(conference, site, purpose, call.user.username)


# ----------------------------------------------------------------------------------------------------- joint check


@routes.get("/conferences/{conference}/joint-check", right=Right.SIGNED_IN)
async def joint_check(call: Call, conference: ConferenceId) -> JointAnswer:
    """Who has given their word: four parties for class A (S36), main and member sites for class B (S39)."""
    return await _joint(call.services.checks, await call.services.checks.subject(conference))


@routes.post("/conferences/{conference}/joint-check/{party}", right=Right.SIGNED_IN)
async def confirm_joint_check(call: Call, conference: ConferenceId, party: Party, body: NewWord) -> JointAnswer:
    """Give the word of one's party; the Sở may give anybody's, with the name of who said so."""
    checks = call.services.checks
    subject = await checks.subject(conference)
    if not may_confirm(call.user.role, party):
        raise forbidden(Right.CHECK.value if party is not Party.SO else Right.DECIDE.value)
    site = ""
    if party is Party.MEMBER:
        if body.site is None:
            raise Refused(
                "invalid",
                "Bên “member” cần cho biết điểm cầu nào (site).",
                "The party “member” needs to say which site.",
            )
        at = subject.site(body.site)
        _check_site(call, subject, at)
        site = at.id
    elif party is Party.MAIN and call.user.role is not Role.CARRIER:
        main = next((one for one in subject.sites if one.role == "main"), None)
        if not in_scope(call.user, subject.organisation_id):
            check_scope(call.user, None if main is None else main.organisation_id)
    name = body.name or call.user.name
    await checks.store.confirm(
        conference, party.value, site, good=body.good, name=name, remark=body.remark, by=call.user.username
    )
    return await _joint(checks, subject)


async def _joint(checks: Checks, subject: Subject) -> JointAnswer:
    said = await checks.store.confirmations(subject.id)
    known = await checks.store.of_conference(subject.id)
    passed = [site for site, check in known.newest.items() if check.good]
    members = [site.id for site in subject.sites if site.role != "main"]
    told = {(Party(row.party), row.site_id): row.good for row in said}
    return joint_answer(subject.class_, words(subject.class_, members, told, passed), said)


# -------------------------------------------------------------------------------------- periodic checks, self-test


@routes.post("/check-rounds", right=Right.DECIDE, status=201)
async def start_check_round(call: Call, body: NewRound) -> ProgressAnswer:
    """Ask sites for their periodic check (S53): a conference of its own, whose links lead to the check."""
    checks = call.services.checks
    conference = await start_round(
        call.services, body.title, body.sites, actor=call.user.username, key=call.command_id or secrets.token_hex(16)
    )
    subject = await checks.subject(conference)
    if call.services.settings.mail.host:
        await send_links(call.services, subject, None, actor=call.user.username, key="round")
    call.headers["Location"] = f"/api/v1/conferences/{conference}/checks"
    return progress_answer(subject, (await checks.progress(subject))[0], call.services.now())


@routes.get("/conferences/{conference}/check-links", right=Right.DECIDE)
async def list_check_links(call: Call, conference: ConferenceId) -> list[LinkAnswer]:
    """Which sites were sent the link to their check by e-mail."""
    subject = await call.services.checks.subject(conference)
    return [_link(one) for one in await links_of(call.services, subject)]


@routes.post("/conferences/{conference}/check-links", right=Right.DECIDE)
async def send_check_links(call: Call, conference: ConferenceId, body: SendLinks) -> list[LinkAnswer]:
    """Send sites the link to their check by e-mail; sites that are named get a new letter although they had one."""
    subject = await call.services.checks.subject(conference)
    key = call.command_id or secrets.token_hex(16)
    await send_links(call.services, subject, body.sites, actor=call.user.username, key=key)
    return [_link(one) for one in await links_of(call.services, subject)]


def _link(one: SiteLink) -> LinkAnswer:
    return LinkAnswer(
        site=one.site,
        site_name=one.name,
        standing=one.standing,
        to=one.to,
        at=None if one.at is None else local(one.at),
        error=one.error,
    )


@routes.get("/self-tests", right=Right.READ)
async def list_self_tests(call: Call, query: SelfTestQuery) -> list[SelfTestAnswer]:
    """Synthetic calls that were made to see whether everything works, newest first (S53)."""
    found, total = await call.services.checks.self_tests.page(query.offset, query.limit)
    call.headers["X-Total-Count"] = str(total)
    return [self_test_answer(row) for row in found]


@routes.get("/self-tests/{test}", right=Right.READ)
async def get_self_test(call: Call, test: SelfTestId) -> SelfTestAnswer:
    """One of them."""
    return self_test_answer(await call.services.checks.self_tests.get(test))


@routes.post("/self-tests", right=Right.DECIDE, status=202)
async def ask_self_test(call: Call) -> SelfTestAnswer:
    """Make a synthetic call now; it takes about half a minute. One that waits already serves for this one too."""
    return self_test_answer(await call.services.checks.self_tests.ask(call.user.username, call.command_id))


# --------------------------------------------------------------------------------------------------------- helpers


def sheet_of(body: SheetBody, tester: str) -> Sheet:
    """Raises Refused `bad_phone`."""
    phone = clean_phone(body.operator_phone)
    return Sheet(
        leader=body.leader,
        operator_name=body.operator_name,
        operator_position=body.operator_position,
        operator_phone=phone,
        remark=body.remark,
        tester=body.tester or body.operator_name or tester,
        device_ready=body.device_ready,
    )


def _owners(subject: Subject) -> set[str | None]:
    return {site.organisation_id for site in subject.sites}


def _reaches(call: Call, subject: Subject, site: SiteAt) -> bool:
    return reads(call.user, subject.organisation_id) or reads(call.user, site.organisation_id)


def _check_site(call: Call, subject: Subject, site: SiteAt) -> None:
    """For changes.  Raises Refused `not_yours`."""
    if not in_scope(call.user, subject.organisation_id):
        check_scope(call.user, site.organisation_id)


async def _check_reach(call: Call, conference: str, site: str) -> None:
    """Of a stored check, whose conference may be over.  Raises Refused `not_yours`."""
    if reads_all(call.user):
        return
    organisations = await call.services.checks.organisations_of(conference, site)
    if not any(in_scope(call.user, one) for one in organisations):
        raise not_yours()
