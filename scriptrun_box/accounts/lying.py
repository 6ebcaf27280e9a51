"""The SQL of where locations lie: the ends of their drivers' routes."""

from dataclasses import dataclass

from scriptrun_box.kernel.db import Reader, Writer

Point = tuple[float, float]  # latitude and longitude in degrees


@dataclass(frozen=True, slots=True)
class Addressed:
    """A location with its address, and where it is said to lie."""

    id: str
    tenant_id: str
    address: str
    point: Point | None


def addressed(r: Reader) -> list[Addressed]:
    """The locations of every tenant that have an address."""
    rows = r.all("SELECT id, tenant_id, address, lat, lng FROM locations WHERE address <> ''")
    return [
        Addressed(
            row["id"],
            row["tenant_id"],
            row["address"],
            None if row["lat"] is None else (row["lat"], row["lng"]),
        )
        for row in rows
    ]


def set_point(w: Writer, location_id: str, point: Point | None) -> None:
    """Say where a location lies, or that nobody knows."""
    lat, lng = point or (None, None)
    w.run("UPDATE locations SET lat = ?, lng = ? WHERE id = ?", (lat, lng, location_id))
