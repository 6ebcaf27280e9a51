"""Reads addresses in the worker process: what that loads would stop the event loop for a while."""

from dataclasses import asdict
from typing import Any

from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.worker import Job, Progress, Worker, WorkFailed, serve

from .reading import Parts, Read, judge, read

ANSWER_SECONDS = 60.0  # for one portion, loading what it needs included
IDLE_SECONDS = 120.0
UNREADABLE = "unreadable"


class Helper:
    """Reads texts and judges corrected parts, in a process that is there while it is needed."""

    def __init__(self) -> None:
        self._worker = Worker(__name__, IDLE_SECONDS)

    async def read(self, texts: list[str]) -> list[Read]:
        """Each text as it was read; one that breaks the reader is unreadable, others are not."""
        try:
            return await self._ask(texts)
        except WorkFailed:
            if len(texts) == 1:
                log.warning("an address could not be read")
                return [judge(Parts(), texts[0], UNREADABLE)]
            return [(await self.read([text]))[0] for text in texts]

    async def judge(self, parts: Parts) -> Read:
        """Corrected parts with their door; raises WorkFailed."""
        return (await self._ask([asdict(parts)]))[0]

    async def stop(self) -> None:
        """End with the box."""
        await self._worker.stop()

    async def _ask(self, wishes: list[Any]) -> list[Read]:
        job = {"wishes": wishes}
        result = await self._worker.run(job, ANSWER_SECONDS, lambda percent: None)
        return [_read_of(each) for each in result["found"]]


def _read_of(given: dict[str, Any]) -> Read:
    middle = given.pop("middle")
    parts = Parts(**given.pop("parts"))
    return Read(parts, middle=tuple(middle) if middle else None, **given)


def _run(job: Job, progress: Progress) -> Job:
    """In the worker's process: texts are read, parts are judged."""
    found = [
        read(each) if isinstance(each, str) else judge(Parts(**each)) for each in job["wishes"]
    ]
    return {"found": [asdict(each) for each in found]}


if __name__ == "__main__":
    serve(_run)
