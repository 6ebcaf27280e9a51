"""The rows of the settings half of the screens, the docs and the texts, for `urls.py`."""

from collections.abc import Sequence

from scriptrun_box.accounts.gates import OWNER, STAFF, PersonGate
from scriptrun_box.kernel.http import Handler, Url, anyone

from .demo import pages as demo
from .docs.pages import docs
from .live import WATCHING
from .openapi import openapi_json
from .settings import (
    hook_page,
    hooks,
    integrations,
    keys,
    locations,
    printers,
    private,
    system,
    usage,
    users,
)
from .texts import pages as texts

TEXT_BODY_BYTES = 512 * 1024  # an owner's text, as a browser encodes it


def _public(path: str, handler: Handler, *, page: bool = True) -> Url:
    return Url("GET", path, handler, anyone, page=page)


def _get(path: str, handler: Handler, gate: PersonGate = STAFF) -> Url:
    return Url("GET", path, handler, gate, page=True)


def _post(path: str, handler: Handler, gate: PersonGate = OWNER) -> Url:
    return Url("POST", path, handler, gate, page=True)


KEYS = "/settings/integrations/keys"
HOOKS = "/settings/integrations/webhooks"
HOOK = f"{HOOKS}/{{id}}"
USER = "/settings/users/{id}"
TEXT = "/settings/texts/{name}"

PAGES: Sequence[Url] = [
    _public("/docs", docs),
    _public("/openapi.json", openapi_json, page=False),
    _public("/security", texts.show_security),
    _public("/baa", texts.show_baa),
    _public("/terms", texts.show_terms),
    _get("/settings/integrations", integrations.integrations),
    _get(KEYS, integrations.back),
    _post(KEYS, keys.create_key),
    _post(f"{KEYS}/{{id}}/revoke", keys.revoke_key),
    _get(HOOKS, integrations.back),
    _post(HOOKS, hooks.create_hook),
    _get(private.START, private.start, OWNER),
    _post(private.START, private.look),
    _get(f"{private.START}/confirm", private.back),
    _post(f"{private.START}/confirm", private.confirm),
    _get(HOOK, hook_page.hook),
    _post(HOOK, hooks.change_hook),
    _post(f"{HOOK}/pause", hooks.pause_hook),
    _post(f"{HOOK}/resume", hooks.resume_hook),
    _post(f"{HOOK}/test", hooks.test_hook),
    _post(f"{HOOK}/delete", hooks.delete_hook),
    _get(f"{HOOK}/replay", integrations.back),
    _post(f"{HOOK}/replay", hooks.replay),
    _get(f"{HOOK}/rotate", integrations.back),
    _post(f"{HOOK}/rotate", hooks.rotate),
    _post(f"{HOOK}/finish-rotation", hooks.finish_rotation),
    _post(f"{HOOK}/unpin", private.unpin),
    _get(f"{HOOK}/log.csv", hook_page.export_log),
    _get("/live/webhooks/{id}", hook_page.live_hook, WATCHING),
    _get("/settings/integrations/attempts/{id}", hook_page.attempt),
    _post("/settings/integrations/deliveries/{id}/resend", hooks.resend),
    _post("/settings/integrations/networks/forbid", private.forbid),
    _get("/settings/users", users.users),
    _post("/settings/users", users.add_user),
    _get("/settings/users.csv", users.export_users, OWNER),
    _post(f"{USER}/role", users.change_role),
    _get(f"{USER}/reset", users.back),
    _post(f"{USER}/reset", users.reset_password),
    _post(f"{USER}/lock-out", users.lock_out),
    _post(f"{USER}/let-in", users.let_in),
    _get("/settings/locations", locations.locations),
    _post("/settings/locations", locations.add),
    _get("/settings/locations/{id}", locations.back),
    _post("/settings/locations/{id}", locations.change),
    _get("/settings/printers", printers.printers),
    _post("/settings/printers", printers.add),
    _get("/settings/printers/{id}", printers.back),
    _post("/settings/printers/{id}", printers.change),
    _post("/settings/printers/{id}/remove", printers.remove),
    _post("/settings/printers/{id}/test", printers.test),
    _get("/settings/usage", usage.usage),
    _get("/settings/usage.csv", usage.export_months),
    _get("/settings/usage-keys.csv", usage.export_keys),
    _get("/settings/system", system.system),
    _get("/settings/system/check-audit", system.back),
    _post("/settings/system/check-audit", system.check_chain, STAFF),
    _post("/settings/system/restored", system.decide_restored),
    _get(TEXT, texts.edit, OWNER),
    Url("POST", TEXT, texts.save, OWNER, TEXT_BODY_BYTES, page=True),
    _post(f"{TEXT}/default", texts.reset),
    _get("/demo/receiver", demo.arrivals),
    _get("/live/demo", demo.live_arrivals, WATCHING),
]
