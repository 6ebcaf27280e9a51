"""The SQL of the texts an owner has worded."""

from dataclasses import dataclass

from scriptrun_box.kernel.db import Reader, Writer


@dataclass(frozen=True, slots=True)
class Text:
    """A page as an owner worded it, with who did so last and when."""

    name: str
    body: str
    updated_at: int
    updated_by: str


def get(r: Reader, name: str) -> Text | None:
    """The owner's wording of a page, or None where the default stands."""
    row = r.one("SELECT * FROM texts WHERE name = ?", (name,))
    return Text(row["name"], row["body"], row["updated_at"], row["updated_by"]) if row else None


def put(w: Writer, name: str, body: str, by: str) -> None:
    """Store the owner's wording over what was there."""
    w.run(
        "INSERT INTO texts (name, body, updated_at, updated_by) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET body = excluded.body,"
        " updated_at = excluded.updated_at, updated_by = excluded.updated_by",
        (name, body, w.now, by),
    )


def delete(w: Writer, name: str) -> bool:
    """Let the default stand again; whether there was another wording."""
    return bool(w.run("DELETE FROM texts WHERE name = ?", (name,)))
