"""POST forms of API keys: make one, which is shown once, and revoke one."""

from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts import actions
from scriptrun_box.accounts.gates import form, form_lists, person_of_call
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.ui import pages

from .integrations import PATH, Shown, came_before, refused, show

WHOLE_NUMBER_MAX_DIGITS = 9


async def create_key(call: Call) -> Response:
    """POST /settings/integrations/keys: the key is in this answer and nowhere else."""
    if came_before(call):
        return pages.redirect(f"{PATH}?done=key-once")
    person = person_of_call(call)
    filled = _filled(call)
    try:
        made = await call.box.db.write(
            actions.create_key,
            person.user.tenant_id,
            person.actor,
            name=filled["name"],
            test=filled["test"],
            scopes=tuple(filled["scopes"]) or None,
            networks=tuple(filled["networks"].replace(",", " ").split()) or None,
            location_id=filled["location_id"] or None,
            ingest_per_minute=_whole("ingest_per_minute", filled["ingest_per_minute"]),
            orders_per_hour=_whole("orders_per_hour", filled["orders_per_hour"]),
        )
    except Invalid as refusal:
        return await refused(call, refusal, "key", filled)
    return await show(call, Shown(key=made))


async def revoke_key(call: Call) -> Response:
    """POST /settings/integrations/keys/{id}/revoke."""
    person = person_of_call(call)
    await call.box.db.write(
        actions.revoke_key, person.user.tenant_id, person.actor, call.path_params["id"]
    )
    return pages.redirect(f"{PATH}?done=revoked")


def _filled(call: Call) -> dict[str, Any]:
    given = form(call)
    return {
        "name": given.get("name", ""),
        "test": given.get("test", "") == "1",
        "scopes": form_lists(call).get("scopes", []),
        "networks": given.get("networks", ""),
        "location_id": given.get("location_id", ""),
        "ingest_per_minute": given.get("ingest_per_minute", "").strip(),
        "orders_per_hour": given.get("orders_per_hour", "").strip(),
    }


def _whole(field: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= WHOLE_NUMBER_MAX_DIGITS):
        raise actions.invalid(field, "wrong_type", "This is a whole number, or empty.")
    return int(text)
