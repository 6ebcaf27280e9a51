"""What people call whoever acted: the name of a person or a key, or what acts by itself."""

from scriptrun_box.kernel.db import Reader

from . import store

ITSELF = {"cli": "the command line", "box": "the box"}


def actor_name(r: Reader, tenant_id: str, actor: str) -> str:
    """The name behind an actor as audit and timeline keep it: user:…, key:…, driver:…, cli, box."""
    kind, _, actor_id = actor.partition(":")
    if kind == "user":
        user = store.user(r, actor_id)
        return user.name if user and user.tenant_id == tenant_id else "somebody"
    if kind == "key":
        found = [key.name for key in store.keys(r, tenant_id) if key.id == actor_id]
        return found[0] if found else "somebody"
    if kind == "driver":
        return "the driver"  # whose name stands beside it, as they belong to a floor above
    return ITSELF.get(actor, actor)
