"""What belongs to somebody else is as unknown as what never was, and stays as it is."""

from dataclasses import replace

import pytest

from scriptrun_box.accounts import actions
from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.actions import digest_of
from scriptrun_box.kernel.scope import CLI, Scope
from tests.world import orders

from .people import Answer, Caller, Scene, changed, unknown_id
from .table import OPEN, ROWS, Row

pytestmark = pytest.mark.anyio
# Names (of a text, a file) are nobody's; the pictures behind signed links are below.
WITH_ID = [row for row in ROWS if "{id}" in row.path and row not in OPEN]
KINDS_OF_A_LOCATION = ("package", "to assign", "assigned", "out", "failed", "driver")
OF_A_LOCATION = [row for row in WITH_ID if row.subject in KINDS_OF_A_LOCATION]
TOLD_APART = ("x-request-id", "date", "ratelimit-remaining", "ratelimit-reset")


async def caller_of(scene: Scene, row: Row) -> Caller:
    """Somebody of Corner Drug whom the row lets in."""
    return await scene.caller(row, "sandbox key" if row.sandbox and row.keyed else row.usual)


def told(answer: Answer, subject_id: str) -> tuple[int, dict[str, str], str]:
    """What an answer tells, without the request's id and the id that was asked for."""
    request_id = answer.headers["x-request-id"]
    headers = {name: v for name, v in answer.headers.items() if name not in TOLD_APART}
    return answer.status, headers, answer.body.replace(request_id, "").replace(subject_id, "")


async def check_same_as_unknown(scene: Scene, row: Row, caller: Caller, theirs: Scope) -> None:
    """Ask for somebody else's thing, then for one that never was: no telling which is which."""
    subject = await scene.subject(row.subject, theirs)
    nothing = replace(subject, id=unknown_id(subject.id))
    before = await scene.everything()
    answers = [
        told(await scene.call(row, caller, each, accept=accept), each.id)
        for each in (subject, nothing)
        for accept in ("application/json", "text/html")
    ]
    assert answers[:2] == answers[2:]
    assert answers[0][0] == row.unknown
    assert changed(before, await scene.everything()) == []


@pytest.mark.parametrize("row", WITH_ID, ids=str)
async def test_another_pharmacys_is_as_unknown_as_what_never_was(scene: Scene, row: Row) -> None:
    caller = await caller_of(scene, row)
    theirs = Scope(scene.world.elsewhere.tenant.id, caller.scope.test)
    await check_same_as_unknown(scene, row, caller, theirs)


OF_THE_TENANT = (
    "key",
    "person",
    "locked-out person",
    "location",
    "printer",
    "phone",
)  # neither live nor sandbox
SIDES = [row for row in WITH_ID if row.subject not in OF_THE_TENANT]


@pytest.mark.parametrize("row", SIDES, ids=str)
async def test_the_other_side_of_the_sandbox_is_as_unknown_too(scene: Scene, row: Row) -> None:
    caller = await caller_of(scene, row)
    other_side = Scope(caller.scope.tenant_id, not caller.scope.test)
    await check_same_as_unknown(scene, row, caller, other_side)


@pytest.mark.parametrize("row", [row for row in OF_A_LOCATION if row.keyed], ids=str)
async def test_a_key_of_one_location_knows_nothing_of_the_other_one(scene: Scene, row: Row) -> None:
    tenant_id = scene.world.pharmacy.tenant.id
    here = scene.world.pharmacy.location.id
    there = await scene.world.db.write(
        actions.add_location,
        tenant_id,
        CLI,
        name="Uptown",
        address="",
        time_zone="America/New_York",
    )
    made = await scene.world.key(test=row.sandbox, location_id=here)
    caller = Caller("key of a location", Scope(tenant_id, row.sandbox, here), {})
    caller.headers["x-api-key"] = made.secret
    own = await scene.call(row, caller, await scene.subject(row.subject, caller.scope))
    assert own.status == row.ok
    await check_same_as_unknown(scene, row, caller, Scope(tenant_id, row.sandbox, there.id))


@pytest.mark.parametrize("row", [row for row in ROWS if "/proof/" in row.path], ids=str)
async def test_a_signed_link_opens_the_one_picture_it_was_made_for(scene: Scene, row: Row) -> None:
    nobody = await scene.caller(row, "nobody")
    one = await scene.subject(row.subject, scene.world.scope)
    other = await scene.subject(row.subject, scene.world.scope)
    assert (await scene.call(row, nobody, one)).status == 200
    for wrong in (
        type(one)(other.id, one.query),
        type(one)(unknown_id(one.id), one.query),
        type(one)(one.id),
        type(one)(one.id, one.query[:-1]),
        type(one)(one.id, one.query.replace("expires=", "expires=1")),
    ):
        answer = await scene.call(row, nobody, wrong)
        assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("row", WITH_ID, ids=str)
async def test_what_cannot_be_an_id_is_refused(scene: Scene, row: Row) -> None:
    caller = await caller_of(scene, row)
    subject = await scene.subject(row.subject, caller.scope)
    before = await scene.everything()
    for text in ("x", "..%2f", "%00", "' OR 1=1 --", "0" * 33, subject.id.upper() + "x"):
        answer = await scene.call(row, caller, type(subject)(text, stamp=subject.stamp))
        assert answer.status in (400, 404, 405, row.unknown), text
    assert changed(before, await scene.everything()) == []


async def test_an_order_cannot_name_another_pharmacys_location(scene: Scene) -> None:
    (row,) = [row for row in ROWS if str(row) == "POST /api/webhook/orders"]
    caller = await scene.caller(row, "live key")
    theirs = scene.world.elsewhere.location.id
    never = scene.world.pharmacy.location.id[:-12] + "0" * 12
    before = await scene.everything()
    details = []
    for location in (theirs, never):
        got = await scene.client.post(
            row.path, json=orders({"pharmacy_id": location}), headers=caller.headers
        )
        assert got.status_code == 400
        details.append(got.json()["details"])
    assert details[0] == details[1]
    assert details[0][0]["code"] == "unknown_location"
    assert changed(before, await scene.everything()) == []


@pytest.mark.parametrize("whose", ["another pharmacy's", "the other side's", "nobody's"])
async def test_a_package_cannot_be_given_to_somebody_elses_driver(scene: Scene, whose: str) -> None:
    (row,) = [row for row in ROWS if str(row) == "POST /api/packages/{id}/assign"]
    caller = await scene.caller(row, "live key")
    package = await scene.subject("to assign", caller.scope)
    elsewhere = {
        "another pharmacy's": Scope(scene.world.elsewhere.tenant.id),
        "the other side's": scene.world.sandbox_scope,
        "nobody's": caller.scope,
    }[whose]
    driver = (await scene.subject("driver", elsewhere)).id
    driver = unknown_id(driver) if whose == "nobody's" else driver
    before = await scene.everything()
    answer = await scene.call(row, caller, replace(package, driver=driver))
    assert (answer.status, answer.code) == (400, "validation_failed")
    assert '"unknown_driver"' in answer.body and driver not in answer.body
    assert changed(before, await scene.everything()) == []


async def test_a_key_cannot_be_bound_to_another_pharmacys_location(scene: Scene) -> None:
    (row,) = [row for row in ROWS if str(row) == "POST /settings/integrations/keys"]
    caller = await scene.caller(row, "owner")
    send = {"name": "sly", "location_id": scene.world.elsewhere.location.id}
    sly = Row(row.method, row.path, row.who, 400, send=send)
    before = await scene.everything()
    assert (await scene.call(sly, caller, await scene.subject("", caller.scope))).status == 400
    assert changed(before, await scene.everything()) == []


async def test_a_session_ends_for_good(scene: Scene) -> None:
    """Signed out, locked out, given another role or another password: the old cookie is dead."""
    row = next(row for row in ROWS if str(row) == "GET /packages")
    world = scene.world
    tenant_id = world.pharmacy.tenant.id
    acts = {
        "locked out": (actions.set_disabled, True),
        "another role": (actions.set_role, "pharmacist"),
        "another password": (actions.reset_password,),
    }
    for why, (act, *args) in acts.items():
        person = await scene.subject("person", world.scope)
        user = await world.db.read(accounts.user, person.id)
        assert user is not None
        token = await scene.session_of(user)
        caller = Caller(why, world.scope, {"cookie": f"scriptrun={token}"})
        assert (await scene.call(row, caller, person)).status == 200, why
        await world.db.write(act, tenant_id, CLI, person.id, *args)
        assert (await scene.call(row, caller, person)).status == 401, why
    assert await world.db.read(accounts.session, digest_of(token)) is None
