"""Contacts and operating teams (S44, S57), trained operators and courses (S26, S51)."""

from __future__ import annotations

from control_api.accounts.rules import Right
from control_api.accounts.scope import check_reads, check_scope
from control_api.api import Call, Routes
from control_api.directory.equipment_models import (
    CourseAnswer,
    CourseChange,
    CourseQuery,
    NewCourse,
    NewTrainee,
    TraineeAnswer,
    TraineeChange,
    TraineeQuery,
)
from control_api.directory.fields import OwnId, Slug, active_of
from control_api.directory.models import (
    ContactAnswer,
    ContactChange,
    ContactQuery,
    NewContact,
    RemovalQuery,
    columns_of,
)
from control_api.directory.place_routes import own, total

routes = Routes("directory")


@routes.get("/directory/contacts", right=Right.READ)
async def list_contacts(call: Call, query: ContactQuery) -> list[ContactAnswer]:
    """Contacts of one's organisation, or of everybody, by name; `q` is searched without diacritics (S57, S25)."""
    found, number = await call.services.registry.contacts.find(
        query.q,
        organisation=own(call.user, query.organisation),
        site=query.site,
        role=query.role,
        offset=query.offset,
        limit=query.limit,
    )
    total(call, number)
    return [ContactAnswer.model_validate(one) for one in found]


@routes.get("/directory/sites/{site}/contacts", right=Right.READ)
async def list_site_contacts(call: Call, site: Slug) -> list[ContactAnswer]:
    """Whom to call for a site: its own contacts first, then its organisation's (S44).

    Of other agencies' sites the meeting's own list tells hosts whom to call.
    """
    check_reads(call.user, (await call.services.directory.site(site)).organisation_id)
    return [ContactAnswer.model_validate(one) for one in await call.services.directory.contacts(site)]


@routes.post("/directory/contacts", right=Right.MAINTAIN, status=201)
async def add_contact(call: Call, body: NewContact) -> ContactAnswer:
    """Register a contact of one's organisation; the Sở is told (S57)."""
    made = await call.services.registry.contacts.make(columns_of(body, new=True), call.user, call.command_id)
    return ContactAnswer.model_validate(made)


@routes.patch("/directory/contacts/{contact}", right=Right.MAINTAIN)
async def change_contact(call: Call, contact: OwnId, body: ContactChange) -> ContactAnswer:
    """Change a contact; the Sở is told (S57)."""
    changed = await call.services.registry.contacts.change(
        contact, columns_of(body), body.revision, call.user, call.command_id
    )
    return ContactAnswer.model_validate(changed)


@routes.delete("/directory/contacts/{contact}", right=Right.MAINTAIN)
async def remove_contact(call: Call, contact: OwnId, query: RemovalQuery) -> None:
    """Remove a contact; its history stays, the Sở is told (S57)."""
    await call.services.registry.contacts.remove(contact, query.revision, call.user, call.command_id)


# ------------------------------------------------------------------------------------------------------- training


@routes.get("/directory/trained-operators", right=Right.READ)
async def list_trained_operators(call: Call, query: TraineeQuery) -> list[TraineeAnswer]:
    """People who operate the system; with `certified_on` only who may be on duty that day (S26)."""
    found, number = await call.services.registry.training.people(
        query.q,
        organisation=own(call.user, query.organisation),
        certified_on=query.certified_on,
        course=query.course,
        active=active_of(query.active),
        offset=query.offset,
        limit=query.limit,
    )
    total(call, number)
    return [TraineeAnswer.model_validate(one) for one in found]


@routes.post("/directory/trained-operators", right=Right.MAINTAIN, status=201)
async def add_trained_operator(call: Call, body: NewTrainee) -> TraineeAnswer:
    """Name somebody who operates the system; certificates are entered by the Sở."""
    made = await call.services.registry.training.register(columns_of(body, new=True), call.user, call.command_id)
    return TraineeAnswer.model_validate(made)


@routes.get("/directory/trained-operators/{trainee}", right=Right.READ)
async def get_trained_operator(call: Call, trainee: OwnId) -> TraineeAnswer:
    """One person with the certificate."""
    found = await call.services.registry.training.person(trainee)
    check_scope(call.user, found.organisation_id)
    return TraineeAnswer.model_validate(found)


@routes.patch("/directory/trained-operators/{trainee}", right=Right.MAINTAIN)
async def change_trained_operator(call: Call, trainee: OwnId, body: TraineeChange) -> TraineeAnswer:
    """Change a person's entry; the certificate is the Sở's."""
    changed = await call.services.registry.training.change_person(
        trainee, columns_of(body), body.revision, call.user, call.command_id
    )
    return TraineeAnswer.model_validate(changed)


@routes.get("/directory/courses", right=Right.READ)
async def list_courses(call: Call, query: CourseQuery) -> list[CourseAnswer]:
    """Training courses, planned and held (S51)."""
    found, number = await call.services.registry.training.courses(query.year, query.offset, query.limit)
    total(call, number)
    return [CourseAnswer.model_validate(one) for one in found]


@routes.post("/directory/courses", right=Right.DECIDE, status=201)
async def add_course(call: Call, body: NewCourse) -> CourseAnswer:
    """Plan a course; the Sở's staff only."""
    made = await call.services.registry.training.plan_course(columns_of(body, new=True), call.user, call.command_id)
    return CourseAnswer.model_validate(made)


@routes.patch("/directory/courses/{course}", right=Right.DECIDE)
async def change_course(call: Call, course: OwnId, body: CourseChange) -> CourseAnswer:
    """Change a course; the Sở's staff only."""
    changed = await call.services.registry.training.change_course(
        course, columns_of(body), body.revision, call.user, call.command_id
    )
    return CourseAnswer.model_validate(changed)
