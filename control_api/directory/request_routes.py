"""Change requests and relocations (S19, S20), difficulties (S64)."""

from __future__ import annotations

from control_api.accounts.rules import Right, Role
from control_api.accounts.scope import check_scope, sees_all
from control_api.api import Call, Routes
from control_api.directory.equipment_models import (
    ChangeAcknowledgement,
    ChangeDecision,
    ChangeRequestAnswer,
    ChangeRequestQuery,
    ChangeStep,
    DifficultyAnswer,
    DifficultyAnswerBody,
    DifficultyQuery,
    NewChangeRequest,
    NewDifficulty,
)
from control_api.directory.fields import OwnId
from control_api.directory.models import columns_of
from control_api.directory.place_routes import own, total

routes = Routes("directory")


@routes.get("/directory/change-requests", right=Right.SIGNED_IN)
async def list_change_requests(call: Call, query: ChangeRequestQuery) -> list[ChangeRequestAnswer]:
    """Requests of one's organisation, or of everybody; a carrier sees the relocations of its lines."""
    carrier = None
    if call.user.role is Role.CARRIER:
        organisation, carrier = None, own(call.user, None)
    else:
        organisation = own(call.user, query.organisation)
    found, number = await call.services.registry.requests.find(
        organisation=organisation,
        carrier=carrier,
        site=query.site,
        kind=query.kind,
        state=query.state,
        offset=query.offset,
        limit=query.limit,
    )
    total(call, number)
    return [ChangeRequestAnswer.model_validate(one) for one in found]


@routes.post("/directory/change-requests", right=Right.MAINTAIN, status=201)
async def ask_change(call: Call, body: NewChangeRequest) -> ChangeRequestAnswer:
    """Ask for leave to change equipment (S19), or tell the Sở and the carrier of a relocation (S20)."""
    made = await call.services.registry.requests.ask(
        body.site_id,
        body.kind,
        body.reason,
        columns_of(body.wanted),
        call.user,
        planned_on=None if body.planned_on is None else body.planned_on.isoformat(),
        carrier=body.carrier_id,
        command=call.command_id,
    )
    call.headers["Location"] = f"{call.request.path}/{made.id}"
    return ChangeRequestAnswer.model_validate(made)


@routes.get("/directory/change-requests/{change_request}", right=Right.SIGNED_IN)
async def get_change_request(call: Call, change_request: OwnId) -> ChangeRequestAnswer:
    """One request."""
    found = await call.services.registry.requests.get(change_request)
    if not sees_all(call.user) and (found.carrier_id is None or call.user.organisation != found.carrier_id):
        check_scope(call.user, found.organisation_id)
    return ChangeRequestAnswer.model_validate(found)


@routes.post("/directory/change-requests/{change_request}/decision", right=Right.DECIDE)
async def decide_change(call: Call, change_request: OwnId, body: ChangeDecision) -> ChangeRequestAnswer:
    """The Sở approves or refuses."""
    decided = await call.services.registry.requests.decide(
        change_request, body.approve, body.answer, body.revision, call.user, call.command_id
    )
    return ChangeRequestAnswer.model_validate(decided)


@routes.post("/directory/change-requests/{change_request}/acknowledgement", right=Right.LINES)
async def acknowledge_relocation(call: Call, change_request: OwnId, body: ChangeAcknowledgement) -> ChangeRequestAnswer:
    """The carrier takes note of a relocation; the Sở may write down who said so."""
    done = await call.services.registry.requests.acknowledge(
        change_request, body.by, body.revision, call.user, call.command_id
    )
    return ChangeRequestAnswer.model_validate(done)


@routes.post("/directory/change-requests/{change_request}/completion", right=Right.MAINTAIN)
async def complete_change(call: Call, change_request: OwnId, body: ChangeStep) -> ChangeRequestAnswer:
    """It has been done: the site's entry is changed. A relocation must have been acknowledged by both."""
    done = await call.services.registry.requests.complete(change_request, body.revision, call.user, call.command_id)
    return ChangeRequestAnswer.model_validate(done)


@routes.post("/directory/change-requests/{change_request}/withdrawal", right=Right.MAINTAIN)
async def withdraw_change(call: Call, change_request: OwnId, body: ChangeStep) -> ChangeRequestAnswer:
    """Take a request back."""
    done = await call.services.registry.requests.withdraw(change_request, body.revision, call.user, call.command_id)
    return ChangeRequestAnswer.model_validate(done)


# --------------------------------------------------------------------------------------------------- difficulties


@routes.get("/directory/difficulties", right=Right.READ)
async def list_difficulties(call: Call, query: DifficultyQuery) -> list[DifficultyAnswer]:
    """Difficulties of one's organisation, or of everybody."""
    found, number = await call.services.registry.difficulties.find(
        organisation=own(call.user, query.organisation), state=query.state, offset=query.offset, limit=query.limit
    )
    total(call, number)
    return [DifficultyAnswer.model_validate(one) for one in found]


@routes.post("/directory/difficulties", right=Right.MAINTAIN, status=201)
async def tell_difficulty(call: Call, body: NewDifficulty) -> DifficultyAnswer:
    """Bring a difficulty to the provincial committee, through the Sở (S64)."""
    made = await call.services.registry.difficulties.tell(
        body.organisation_id, body.title, body.text, call.user, call.command_id
    )
    return DifficultyAnswer.model_validate(made)


@routes.post("/directory/difficulties/{difficulty}/answer", right=Right.DECIDE)
async def answer_difficulty(call: Call, difficulty: OwnId, body: DifficultyAnswerBody) -> DifficultyAnswer:
    """The Sở forwards it to the committee, or answers."""
    done = await call.services.registry.difficulties.answer(
        difficulty, body.state, body.answer, body.revision, call.user, call.command_id
    )
    return DifficultyAnswer.model_validate(done)
