"""One box for each module of these tests."""

from tests.shared_box import anyio_backend, app, client, world

__all__ = ["anyio_backend", "app", "client", "world"]
