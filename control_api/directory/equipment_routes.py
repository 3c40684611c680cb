"""The register of equipment, its maintenance, and faults (S28, S52, S54, S56, S59)."""

from __future__ import annotations

from control_api.accounts.rules import Right
from control_api.accounts.scope import check_scope
from control_api.api import Call, Routes
from control_api.directory.assets import AssetFilter
from control_api.directory.equipment_models import (
    AssetAnswer,
    AssetChange,
    AssetQuery,
    FaultAnswer,
    FaultChange,
    FaultQuery,
    MaintenanceAnswer,
    MaintenanceQuery,
    NewAsset,
    NewFault,
    NewMaintenance,
    PlanAnswer,
    PlanLineAnswer,
    PlanQuery,
)
from control_api.directory.faults import FaultFilter
from control_api.directory.fields import OwnId
from control_api.directory.models import columns_of
from control_api.directory.place_routes import own, total
from control_api.directory.upkeep import costs

routes = Routes("directory")


@routes.get("/directory/assets", right=Right.READ)
async def list_assets(call: Call, query: AssetQuery) -> list[AssetAnswer]:
    """Equipment of one's organisation, or of everybody; with `due_until` what must be maintained, earliest first."""
    what = AssetFilter(
        words=query.q,
        organisation=own(call.user, query.organisation),
        site=query.site,
        kind=query.kind,
        state=query.state,
        due_until=query.due_until,
    )
    found, number = await call.services.registry.assets.find(what, query.offset, query.limit)
    total(call, number)
    return [AssetAnswer.model_validate(one) for one in found]


@routes.post("/directory/assets", right=Right.MAINTAIN, status=201)
async def add_asset(call: Call, body: NewAsset) -> AssetAnswer:
    """Put equipment into the register."""
    made = await call.services.registry.assets.make(columns_of(body, new=True), call.user, call.command_id)
    call.headers["Location"] = f"{call.request.path}/{made.id}"
    return AssetAnswer.model_validate(made)


@routes.get("/directory/assets/{asset}", right=Right.READ)
async def get_asset(call: Call, asset: OwnId) -> AssetAnswer:
    """One piece of equipment."""
    found = await call.services.registry.assets.get(asset)
    check_scope(call.user, found.organisation_id)
    return AssetAnswer.model_validate(found)


@routes.patch("/directory/assets/{asset}", right=Right.MAINTAIN)
async def change_asset(call: Call, asset: OwnId, body: AssetChange) -> AssetAnswer:
    """Change an entry of the register; what is gone becomes `retired`."""
    changed = await call.services.registry.assets.change(
        asset, columns_of(body), body.revision, call.user, call.command_id
    )
    return AssetAnswer.model_validate(changed)


@routes.post("/directory/assets/{asset}/maintenance", right=Right.MAINTAIN, status=201)
async def add_maintenance(call: Call, asset: OwnId, body: NewMaintenance) -> MaintenanceAnswer:
    """Write down a maintenance, repair or replacement; the next one is due a period later."""
    row, _ = await call.services.registry.assets.maintain(asset, columns_of(body, new=True), call.user, call.command_id)
    return MaintenanceAnswer.model_validate(row)


@routes.get("/directory/maintenance", right=Right.READ)
async def list_maintenance(call: Call, query: MaintenanceQuery) -> list[MaintenanceAnswer]:
    """What was done, the latest first."""
    found, number = await call.services.registry.assets.done(
        asset=query.asset,
        organisation=own(call.user, query.organisation),
        since=query.since,
        until=query.until,
        offset=query.offset,
        limit=query.limit,
    )
    total(call, number)
    return [MaintenanceAnswer.model_validate(one) for one in found]


@routes.get("/directory/maintenance/plan", right=Right.READ)
async def get_maintenance_plan(call: Call, query: PlanQuery) -> PlanAnswer:
    """The year's plan of maintenance and replacement, with its costs by article 12 (S52, S54, S59)."""
    lines = await call.services.registry.assets.plan(query.year, own(call.user, query.organisation))
    return PlanAnswer(
        year=query.year,
        lines=tuple(
            PlanLineAnswer(
                asset=AssetAnswer.model_validate(asset),
                organisation=organisation.name,
                maintain_on=tuple(day.isoformat() for day in line.maintain_on),
                replace=line.replace,
                cost_vnd=line.cost_vnd,
            )
            for asset, organisation, line in lines
        ),
        costs={str(name): amount for name, amount in costs(line for _, _, line in lines).items()},
    )


# --------------------------------------------------------------------------------------------------------- faults


@routes.get("/directory/faults", right=Right.READ)
async def list_faults(call: Call, query: FaultQuery) -> list[FaultAnswer]:
    """Faults of one's organisation, or of everybody; unsolved and urgent ones first."""
    what = FaultFilter(
        organisation=own(call.user, query.organisation),
        site=query.site,
        state=query.state,
        kind=query.kind,
        unsolved=query.unsolved,
    )
    found, number = await call.services.registry.faults.find(what, query.offset, query.limit)
    total(call, number)
    return [FaultAnswer.model_validate(one) for one in found]


@routes.post("/directory/faults", right=Right.MAINTAIN, status=201)
async def report_fault(call: Call, body: NewFault) -> FaultAnswer:
    """Tell the Sở of a fault of a device or a line, with figures where there are some (S56)."""
    made = await call.services.registry.faults.report(columns_of(body, new=True), call.user, call.command_id)
    call.headers["Location"] = f"{call.request.path}/{made.id}"
    return FaultAnswer.model_validate(made)


@routes.get("/directory/faults/{fault}", right=Right.READ)
async def get_fault(call: Call, fault: OwnId) -> FaultAnswer:
    """One fault."""
    found = await call.services.registry.faults.get(fault)
    check_scope(call.user, found.organisation_id)
    return FaultAnswer.model_validate(found)


@routes.patch("/directory/faults/{fault}", right=Right.MAINTAIN)
async def change_fault(call: Call, fault: OwnId, body: FaultChange) -> FaultAnswer:
    """Correct a fault or move it on: open, in progress, done."""
    changed = await call.services.registry.faults.change(
        fault, columns_of(body), body.revision, call.user, call.command_id
    )
    return FaultAnswer.model_validate(changed)
