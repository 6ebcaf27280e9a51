"""One box for all of the fuzzing, with limits nobody meets."""

from tests.shared_box import anyio_backend, app, client, world

__all__ = ["anyio_backend", "app", "client", "world"]
