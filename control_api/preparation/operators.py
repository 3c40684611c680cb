"""Who may be put on duty: the directory's certified operators (S26, S72)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from control_api.directory.tables import Trainee
from control_api.preparation.duty import Party
from control_api.preparation.meetings import Meeting
from control_api.problems import Refused
from control_api.services import Services


async def candidates(services: Services, meeting: Meeting, party: Party, site: str | None, on: date) -> list[Trainee]:
    """Certified that day, by name: the Sở's; of the main site's and the host's organisation and the Sở; of a member's.

    Everybody certified, where nothing tells whose the site is.
    """
    manager = await services.directory.manager()
    so = None if manager is None else manager.id
    if party == "so":
        asked = [so]
    elif party == "main":
        main = meeting.main
        asked = [meeting.organisation, None if main is None else main.organisation]
        asked = [*filter(None, asked), so] if any(asked) else [None]
    else:
        asked = [None if site is None else meeting.site(site).organisation]
    found: dict[str, Trainee] = {}
    for organisation in dict.fromkeys(asked):
        found |= {one.id: one for one in await services.directory.trained_operators(organisation, on)}
    return sorted(found.values(), key=lambda one: (one.name, one.id))


async def certified(
    services: Services, meeting: Meeting, party: Party, site: str | None, operator: str | None, days: Sequence[date]
) -> Trainee:
    """Certified on each of the days.  Raises Refused `operator_not_certified`."""
    found = [{one.id: one for one in await candidates(services, meeting, party, site, day)} for day in days]
    if operator is not None and all(operator in certified for certified in found):
        return found[0][operator]
    raise Refused(
        "operator_not_certified",
        "Chỉ phân công được cán bộ đã được đào tạo, còn hiệu lực chứng nhận vào ngày trực. Hãy chọn trong danh sách, "
        "hoặc cập nhật đào tạo trong danh bạ.",
        "Only operators who are trained and certified on that day can be on duty. Choose one of the list, or record "
        "the training in the directory.",
    )
