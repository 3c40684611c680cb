"""From what is stored to what is told.  Pure."""

from __future__ import annotations

from control_api.checks.checks import Subject
from control_api.checks.joint import Party, Word, complete
from control_api.checks.measured import Measured
from control_api.checks.models import (
    BoardAnswer,
    CheckAnswer,
    JointAnswer,
    LineAnswer,
    OverrideAnswer,
    ProgressAnswer,
    ReasonAnswer,
    RetestAnswer,
    SelfTestAnswer,
    SiteProgressAnswer,
    WordAnswer,
    local,
)
from control_api.checks.progress import SiteProgress
from control_api.checks.store import Check
from control_api.checks.tables import ConfirmationRow, RetestRow, SelfTestRow
from control_api.checks.verdict import Verdict


def check_answer(check: Check) -> CheckAnswer:
    row = check.row
    return CheckAnswer(
        id=row.id,
        conference=row.conference_id,
        site=row.site_id,
        site_name=row.site_name,
        kind="room" if row.kind == "room" else "browser",
        purpose=row.purpose,
        at=local(row.at),
        verdict=check.verdict,
        machine_verdict=Verdict(row.verdict),
        items={item: Verdict(verdict) for item, verdict in row.items.items()},
        reasons=tuple(ReasonAnswer.model_validate(reason) for reason in row.reasons["reasons"]),
        measured=Measured.model_validate(row.measured),
        device_ready=row.device_ready,
        leader=row.leader,
        operator_name=row.operator_name,
        operator_position=row.operator_position,
        operator_phone=row.operator_phone,
        remark=row.remark,
        tester=row.tester,
        client=row.client,
        still=row.still,
        overrides=tuple(
            OverrideAnswer(verdict=one.verdict, remark=one.remark, by=one.by, at=local(one.at))
            for one in check.overrides
        ),
    )


def board_answer(subject: Subject, sites: list[SiteProgress], now: float) -> BoardAnswer:
    times = subject.due
    red = sum(one.red for one in sites)
    return BoardAnswer(
        conference=subject.id,
        title=subject.title,
        starts_at=None if subject.starts_at is None else local(subject.starts_at),
        wished=None if times is None else local(times.wished),
        latest=None if times is None else local(times.latest),
        done=len(sites) - red,
        total=len(sites),
        red=red,
        overdue=bool(red) and times is not None and now > times.latest,
    )


def progress_answer(subject: Subject, sites: list[SiteProgress], now: float) -> ProgressAnswer:
    return ProgressAnswer(
        **dict(board_answer(subject, sites, now)),
        sites=tuple(
            SiteProgressAnswer(
                site=one.site.id,
                site_name=one.site.name,
                role=one.site.role,
                state=one.state,
                red=one.red,
                late=one.late,
                check=None if one.check is None else check_answer(one.check),
            )
            for one in sites
        ),
    )


def line_answer(check: Check) -> LineAnswer | None:
    """None when the line was not measured."""
    line = Measured.model_validate(check.row.measured).line
    if line is None:
        return None
    figures = line.model_dump(include={"loss_up", "loss_down", "jitter_ms", "rtt_ms", "up_kbps", "down_kbps"})
    row = check.row
    verdict = Verdict(row.items["line"])
    return LineAnswer(site=row.site_id, site_name=row.site_name, at=local(row.at), verdict=verdict, **figures)


def retest_answer(row: RetestRow, name: str) -> RetestAnswer:
    return RetestAnswer(
        conference=row.conference_id,
        site=row.site_id,
        site_name=name,
        purpose="speaker" if row.purpose == "speaker" else "retest",
        asked_at=local(row.asked_at),
        asked_by=row.asked_by,
        reason=row.reason,
        done_at=None if row.done_at is None else local(row.done_at),
    )


def joint_answer(class_: str, words: list[Word], said: list[ConfirmationRow]) -> JointAnswer:
    rows = {(row.party, row.site_id): row for row in said}
    return JointAnswer.model_validate(
        {"class": class_, "complete": complete(words), "words": tuple(_word(one, rows) for one in words)}
    )


def _word(word: Word, rows: dict[tuple[str, str], ConfirmationRow]) -> WordAnswer:
    row = rows.get((word.party.value, word.site or ""))
    if row is None:
        return WordAnswer(party=word.party, site=word.site, good=word.good, by_check=word.by_check)
    return WordAnswer(
        party=Party(row.party),
        site=row.site_id or None,
        good=row.good,
        by_check=False,
        name=row.name,
        remark=row.remark,
        by=row.by,
        at=local(row.at),
    )


def self_test_answer(row: SelfTestRow) -> SelfTestAnswer:
    return SelfTestAnswer(
        id=row.id,
        state=row.state,
        asked_at=local(row.asked_at),
        asked_by=row.asked_by,
        done_at=None if row.done_at is None else local(row.done_at),
        good=row.good,
        report=row.report,
    )
