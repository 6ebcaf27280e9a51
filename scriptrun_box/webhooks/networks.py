"""Networks an owner allowed on the screen, beside the settings. Owns `webhook_networks`."""

from scriptrun_box.kernel.db import Reader, Writer


def allowed(r: Reader, tenant_id: str) -> tuple[str, ...]:
    """The networks (CIDR) a tenant's owner allowed on the screen."""
    rows = r.all(
        "SELECT network FROM webhook_networks WHERE tenant_id = ? ORDER BY allowed_at", (tenant_id,)
    )
    return tuple(row["network"] for row in rows)


def allow(w: Writer, tenant_id: str, network: str, by: str) -> None:
    """Events of this tenant may be sent there."""
    w.run(
        "INSERT INTO webhook_networks (tenant_id, network, allowed_at, allowed_by)"
        " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (tenant_id, network, w.now, by),
    )


def forbid(w: Writer, tenant_id: str, network: str) -> bool:
    """They may no longer; whether they might."""
    return bool(
        w.run(
            "DELETE FROM webhook_networks WHERE tenant_id = ? AND network = ?", (tenant_id, network)
        )
    )
