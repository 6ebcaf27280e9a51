"""Whose data a piece of work may touch, and who does it: carried by every action and query."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """One tenant's live or sandbox data, narrowed to one location where the key says so."""

    tenant_id: str
    test: bool = False
    location_id: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as audit and timeline show it.

    That is `user:usr_…`, `key:key_…`, `driver:drv_…`, `cli` or `box`.
    """

    id: str

    @classmethod
    def user(cls, user_id: str) -> "Actor":
        return cls(f"user:{user_id}")

    @classmethod
    def key(cls, key_id: str) -> "Actor":
        return cls(f"key:{key_id}")

    @classmethod
    def driver(cls, driver_id: str) -> "Actor":
        return cls(f"driver:{driver_id}")


BOX = Actor("box")
CLI = Actor("cli")
