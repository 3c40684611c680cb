"""What a guided sequence brings back: the earlier scene, whatever happened meanwhile."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcu_core.arrangement import Arrangement
from mcu_core.commands import (
    AddSite,
    BringBack,
    Command,
    MuteSite,
    Podium,
    RemoveSite,
    SetLayout,
    SetPodiumLayout,
    Undo,
)
from mcu_core.conference import Conference
from mcu_core.moments import moment_of
from mcu_core.scene import Placement, ViewScene
from tests.unit.test_conference import carried_out, commands, conference_of, refused


def test_s87_roll_call_brings_the_podium_and_its_views_back() -> None:
    conference = conference_of("a", "b", "c")
    conference.apply(MuteSite("a", True), 1.0)
    conference.apply(Podium("a"), 1.0)
    conference.apply(SetLayout("programme", "2x2"), 1.0)
    before = conference.arrangement
    kept = json.loads(json.dumps(moment_of(before)))
    for site in ("b", "c"):
        conference.apply(Podium(site), 2.0)
    assert conference.arrangement.muted_by("a") == "operator"
    conference.apply(BringBack(kept), 3.0)
    assert conference.arrangement == before
    conference.apply(Undo(), 4.0)
    assert conference.arrangement.scene.podium == "c"


def test_without_a_podium_everybody_is_heard_again() -> None:
    conference = conference_of("a", "b")
    before = conference.arrangement
    kept = moment_of(before)
    conference.apply(Podium("a"), 2.0)
    conference.apply(MuteSite("b", True), 2.0)  # the operator's own word during the roll call
    conference.apply(BringBack(kept), 3.0)
    now = conference.arrangement
    assert now.scene == before.scene
    assert now.before_podium is None
    assert now.muted == {"b"}


def test_a_podium_whose_site_is_gone_ends() -> None:
    conference = conference_of("a", "b")
    conference.apply(Podium("a"), 1.0)
    kept = moment_of(conference.arrangement)
    conference.apply(RemoveSite("a"), 2.0)
    conference.apply(BringBack(kept), 3.0)
    now = conference.arrangement
    assert (now.scene.podium, now.scene.audio, now.before_podium) == (None, "open", None)


def test_a_moment_that_cannot_be_read_changes_nothing() -> None:
    conference = conference_of("a")
    moments: list[dict[str, object]] = [{}, {"scene": {"views": {}, "podium": None, "audio": "open"}}, {"scene": 7}]
    for broken in moments:
        assert refused(conference, BringBack(broken)) == "bad_moment"


@settings(deadline=None, max_examples=60)
@given(st.lists(commands | st.just(Undo()), max_size=15), st.lists(commands | st.just(Undo()), max_size=15))
def test_whatever_happens_meanwhile_what_is_named_exists(script: list[Command], meanwhile: list[Command]) -> None:
    conference = conference_of("a", "b")
    carried_out(conference, script)
    kept = moment_of(conference.arrangement)
    carried_out(conference, meanwhile)
    conference.apply(BringBack(kept), 9.0)
    now = conference.arrangement
    names = {*now.muted, *now.opened, now.scene.podium, now.next_site, now.reopened} - {None}
    views: list[ViewScene] = [
        view for scene in filter(None, (now.scene, now.before_podium)) for view in scene.views.values()
    ]
    for what in (what for view in views for what in view.cells.values()):
        names |= {what.site} if isinstance(what, Placement) else set(what.sites)
    assert names <= set(now.sites)
    assert (now.scene.podium is None) == (now.before_podium is None) == (now.scene.audio == "open")
    assert not now.opened & now.muted
    assert Conference.from_document("c-1", conference.document()).arrangement == now


def seen_and_heard(now: Arrangement) -> tuple[object, ...]:
    return now.scene, now.muted, now.reopened


def after_the_podium(conference: Conference) -> Arrangement:
    """What its end would leave: the wall and personal views of then (`before_podium` may have older ones)."""
    copy = Conference.from_document("copy", conference.document())
    copy.apply(Podium(None), 9.0)
    return copy.arrangement


@example([], [Podium("tinh"), SetLayout("wall", "2x2")])
@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["a", "b", "tinh"]).map(Podium), max_size=6), st.lists(commands, max_size=8))
def test_podiums_alone_leave_no_trace(called: list[Podium], script: list[Command]) -> None:
    conference = conference_of("a", "b")
    carried_out(conference, script)
    conference.apply(SetPodiumLayout("programme", "auto"), 1.0)
    for site in ("a", "b", "tinh"):
        if site not in conference.arrangement.sites:
            conference.apply(AddSite(site, "member", site), 1.0)
    before, ended = conference.arrangement, after_the_podium(conference)
    kept = moment_of(before)
    for podium in called:
        conference.apply(podium, 2.0)
    conference.apply(BringBack(kept), 3.0)
    assert seen_and_heard(conference.arrangement) == seen_and_heard(before)
    assert seen_and_heard(after_the_podium(conference)) == seen_and_heard(ended)
