"""The part of the fake server that helps during a meeting: roll call, floor, issues, script, quality; all in memory."""

from __future__ import annotations

import time
from typing import Any

Json = dict[str, Any]
GOES_ON = ("running", "paused")


class FakeMeeting:
    """`state` is the conference's; the caller tells consoles `changed` areas."""

    def __init__(self, state: Json) -> None:
        self.state = state
        self.roll: Json | None = None
        self.floor: list[Json] = []
        self.issues: list[Json] = []
        self.cues: list[Json] = []
        self.scenes: list[Json] = []
        self.scene = -1
        self._made = 0

    def answer(self, method: str, path: list[str], body: Any) -> tuple[Any, str | None]:
        """Answer and the area that changed; KeyError: no such route."""
        match [method, *path]:
            case ["GET", "roll-call"]:
                return {"roll_call": self._roll()}, None
            case ["POST", "roll-calls"]:
                self._begin(body)
            case ["PUT", "roll-calls", _, "sites", site]:
                self._mark(site, body["result"])
            case ["POST", "roll-calls", _, "step"]:
                self._step(body["action"])
            case ["GET", "floor"]:
                return self.floor, None
            case ["POST", "floor"]:
                return self.raise_hand(body["site"], "van-hanh"), "floor"
            case ["POST", "floor", request, "give"]:
                for one in self.floor:
                    one["state"] = "speaking" if one["id"] == request else "waiting"
                    self.state["podium"] = one["site"] if one["id"] == request else self.state["podium"]
                return {}, "floor"
            case ["POST", "floor", request, "next"]:
                self.state["next"] = next(one["site"] for one in self.floor if one["id"] == request)
                return {}, "floor"
            case ["PUT", "floor", request, "position"]:
                moved = next(one for one in self.floor if one["id"] == request)
                self.floor.remove(moved)
                self.floor.insert(body["position"] - 1, moved)
                return self.floor, "floor"
            case ["DELETE", "floor", request]:
                self.floor = [one for one in self.floor if one["id"] != request]
                return None, "floor"
            case ["GET", "issues"]:
                return self.issues, None
            case ["POST", "issues"]:
                return self.report(body["site"], body["category"], body["text"], "operator"), "issues"
            case ["PATCH", "issues", issue]:
                found = next(one for one in self.issues if one["id"] == issue)
                found.update(body)
                return found, "issues"
            case ["GET", "incidents" | "remarks"]:
                return [], None
            case ["GET", "cues"]:
                return self.cues, None
            case ["POST", "cues"]:
                for site in body["sites"]:
                    cue = {"id": self._id("q"), "site": site, "kind": body["kind"], "at": time.time(), "reached": True}
                    self.cues.insert(0, {**cue, "seen_at": None, "ok": None})
                return self.cues, "cues"
            case ["GET", "script"]:
                return {"scenes": self.scenes, "runner": self._runner()}, None
            case ["POST", "script", "next" | "previous" | "goto" as step]:
                at = {"next": self.scene + 1, "previous": self.scene - 1}
                named = [scene["id"] for scene in self.scenes]
                self.scene = at[step] if step in at else named.index(body["scene"])
                return self._runner(), "script"
            case ["GET", "quality"]:
                return [self._quality(site) for site in self.state["sites"] if site["state"] == "live"], None
            case ["GET", "quality", _]:
                return [_point(index) for index in range(60)], None
            case ["POST", "invitations"]:
                absent = [site for site in self.state["sites"] if site["state"] == "absent"]
                return [{"site": site["id"], "progress": "called", "way": "phone"} for site in absent], None
            case ["GET", "duties"]:
                duty = {
                    "id": "d-1", "party": "so", "name": "Cán bộ trực MCU", "position": "Chuyên viên",
                    "phone": "0222 3 000 000", "starts_at": "2026-11-23T07:00:00+07:00",
                    "ends_at": "2026-11-23T12:00:00+07:00",
                }  # fmt: skip
                return {"duties": [duty], "gaps": []}, None
            case ["GET", "renditions"]:
                return [_RENDITION], None
            case ["GET", "sites", _, "contact"]:
                return _CARD, None
            case ["POST", "sites", _, "reserve-line"] | ["PUT", "sites", _, "remark"]:
                return {}, None
            case _:
                raise KeyError(path)
        return self._roll(), "roll_call"

    def raise_hand(self, site: str, by: str | None = None) -> Json:
        name = next(one["name"] for one in self.state["sites"] if one["id"] == site)
        request = {"id": self._id("f"), "site": site, "name": name, "state": "waiting", "raised_at": time.time() - 12}
        self.floor.append({**request, "raised_by": by, "on_air_ms": None})
        return self.floor[-1]

    def report(self, site: str | None, category: str, text: str, source: str) -> Json:
        name = next((one["name"] for one in self.state["sites"] if one["id"] == site), "")
        issue = {"id": self._id("i"), "site": site, "name": name, "source": source, "category": category}
        told = {"text": text, "figures": {}, "state": "open", "at": time.time(), "by": None, "taken_by": None}
        self.issues.insert(0, {**issue, **told, "remark": ""})
        return self.issues[0]

    # ----------------------------------------------------------------------------------------------- roll call

    def _begin(self, plan: Json) -> None:
        wanted = plan.get("sites") or [site["id"] for site in self.state["sites"] if site["role"] != "main"]
        sites = [site for site in self.state["sites"] if site["id"] in wanted]
        now = time.time()
        self.roll = {
            "id": self._id("r"), "state": "running", "order": plan["order"], "seconds": plan["seconds"],
            "auto": plan["auto"], "position": 0, "step": 1, "due_at": now + plan["seconds"], "left": None,
            "started_at": now, "counts": {},
            "sites": [
                {"position": at, "site": site["id"], "number": site["number"], "name": site["name"], "result": None,
                 "at": None, "remark": "", "on_air_ms": None}
                for at, site in enumerate(sites)
            ],
        }  # fmt: skip
        self.before = self.state["podium"]
        self._call(0)

    def _call(self, position: int) -> None:
        assert self.roll is not None
        roll = self.roll
        roll["step"] += 1
        roll["position"] = position
        if position >= len(roll["sites"]):
            self._end("finished")
            return
        roll |= {"state": "running", "due_at": time.time() + roll["seconds"], "left": None}
        self.state["podium"] = roll["sites"][position]["site"]

    def _mark(self, site: str, result: str) -> None:
        assert self.roll is not None
        found = next(one for one in self.roll["sites"] if one["site"] == site)
        found["result"] = result
        if self.roll["state"] in GOES_ON and found["position"] == self.roll["position"]:
            self._call(self.roll["position"] + 1)

    def _step(self, action: str) -> None:
        assert self.roll is not None
        roll, position = self.roll, self.roll["position"]
        if action == "skip":
            self._mark(roll["sites"][position]["site"], "skipped")
        elif action in ("back", "repeat"):
            self._call(position - (action == "back"))
        elif action in ("finish", "abort"):
            roll["step"] += 1
            self._end("finished" if action == "finish" else "aborted")
        else:
            roll["step"] += 1
            paused = action == "pause"
            roll |= {"state": "paused" if paused else "running", "left": 9.0 if paused else None}
            roll["due_at"] = None if paused else time.time() + 9.0

    def _end(self, state: str) -> None:
        assert self.roll is not None
        self.roll |= {"state": state, "due_at": None}
        self.state["podium"] = self.before

    def _roll(self) -> Json | None:
        if self.roll is None:
            return None
        roll = self.roll
        going = roll["state"] in GOES_ON
        return {**roll, "site": roll["sites"][roll["position"]]["site"] if going else None, "now": time.time()}

    # --------------------------------------------------------------------------------------------------- others

    def _runner(self) -> Json:
        def brief(index: int) -> Json | None:
            if not 0 <= index < len(self.scenes):
                return None
            return {"id": self.scenes[index]["id"], "title": self.scenes[index]["title"], "index": index}

        around = {"scene": brief(self.scene), "next": brief(self.scene + 1), "previous": brief(self.scene - 1)}
        return {"rehearsal": False, "scenes": len(self.scenes), "warnings": [], **around}

    def _quality(self, site: Json) -> Json:
        weak = site["number"] % 11 == 6
        grades = ["good"] * 20 + (["fair"] * 4 + ["bad"] * 6 if weak else ["good"] * 10)
        figures = {"loss": 0.07 if weak else 0.002, "rtt_ms": 260.0 if weak else 18.0, "score": 61 if weak else 98}
        return {"site": site["id"], "name": site["name"], "grade": grades[-1], "recent": grades, **figures}

    def _id(self, letter: str) -> str:
        self._made += 1
        return f"{letter}-{self._made}"


def _point(index: int) -> Json:
    loss = 0.06 if 20 < index < 30 else 0.002
    figures = {"loss_up": loss, "loss_down": loss / 2, "rtt_ms": 18.0 + index % 7, "up_kbps": 900, "down_kbps": 1400}
    return {"at": time.time() - 600 + index * 10, "grade": "bad" if loss > 0.05 else "good", **figures}


_RENDITION = {
    "rendition": 1, "view": "programme", "codec": "h264", "width": 1280, "height": 720, "frame_rate": 30.0,
    "bitrate_bps": 1_500_000, "viewers": 9, "passed": None,
}  # fmt: skip
_CARD = {
    "organisation": "UBND xã", "room": "Phòng họp số 1", "line_code": "BNH-0012", "reserve_line": "4G",
    "contacts": [
        {"role": "technical", "name": "Phụ trách kỹ thuật", "position": "Công chức văn phòng",
         "phone": "0222 3 123 456", "email": ""},
    ],
}  # fmt: skip
