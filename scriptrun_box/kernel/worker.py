"""Work that takes seconds of a CPU, in a process of its own: bounded, watched, and expendable.

The child is a fresh interpreter (`python -m MODULE`, never a fork of this one) that knows nothing
of the file. It gets one job at a time as a line of JSON and answers with lines: how far it is, then
the result. It runs behind everything else on the machine, with a bound on its memory; whoever
started it bounds its time, and kills it to cancel. If it dies, that job has failed and the next one
gets a new child; one that has nothing to do is sent home.
"""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import cpus

MEMORY_BYTES = 1 << 30  # of addresses, numpy's included
NICENESS = 15
IDLE_SECONDS = 60.0  # a child that waits holds some 60 MB
LIBRARIES = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each thread wants memory

Job = dict[str, Any]
Progress = Callable[[int], None]  # percent


class WorkFailed(Exception):
    """A job has no result: `reason` is died, out_of_time, cancelled, or the child's own word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Worker:
    """One child at a time for the jobs of one module, begun when there is one to do."""

    def __init__(self, module: str, idle_seconds: float = IDLE_SECONDS) -> None:
        self._module = module
        self._idle_seconds = idle_seconds
        self._turn = asyncio.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._ended_by = "died"
        self._rest: asyncio.Task[None] | None = None

    async def run(self, job: Job, seconds: float, on_progress: Progress) -> Job:
        """The result of a job, or WorkFailed; one after the other. Progress comes on the loop."""
        loop = asyncio.get_running_loop()

        def tell(percent: int) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(on_progress, percent)

        async with self._turn:
            if self._rest is not None:
                self._rest.cancel()
            try:
                return await loop.run_in_executor(None, self._converse, job, seconds, tell)
            finally:
                self._rest = asyncio.create_task(self._send_home(), name="idle worker")

    def cancel(self) -> None:
        """End the job that runs, if any; the next one gets a new child."""
        if self._turn.locked():
            self._kill("cancelled")

    async def stop(self) -> None:
        """End with the box."""
        self.cancel()
        async with self._turn:  # whoever waited for a result has heard that there is none
            if self._rest is not None:
                self._rest.cancel()
            await asyncio.to_thread(self._bury)

    async def _send_home(self) -> None:
        """A child that has nothing to do for a while is ended."""
        await asyncio.sleep(self._idle_seconds)
        async with self._turn:
            await asyncio.to_thread(self._bury)

    def _converse(self, job: Job, seconds: float, on_progress: Progress) -> Job:
        """In a helper thread: hand the job over, listen until its last word."""
        child = self._child_now()
        watch = threading.Timer(seconds, self._kill, ("out_of_time",))
        watch.start()
        try:
            assert child.stdin is not None and child.stdout is not None
            with suppress(BrokenPipeError):
                child.stdin.write(json.dumps(job).encode() + b"\n")
                child.stdin.flush()
            for line in child.stdout:
                word = json.loads(line)
                if "progress" in word:
                    on_progress(word["progress"])
                elif "failed" in word:
                    raise WorkFailed(word["failed"])
                else:
                    result: Job = word["result"]
                    return result
            self._bury()
            raise WorkFailed(self._ended_by)
        except ValueError:  # half a line of somebody who was killed
            self._bury()
            raise WorkFailed(self._ended_by) from None
        finally:
            watch.cancel()

    def _child_now(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is not None:
            self._bury()
        if self._child is None:
            cpus.roam()  # what a thread starts inherits where it may run
            self._ended_by = "died"
            self._child = subprocess.Popen(
                [sys.executable, "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path), **LIBRARIES},
                start_new_session=True,  # Ctrl-C is meant for the box, which ends its child
            )
        return self._child

    def _kill(self, why: str) -> None:
        """Whoever listens to the child hears its end, and buries it."""
        child = self._child
        if child is not None:
            self._ended_by = why
            child.kill()

    def _bury(self) -> None:
        """Nothing of the child is left."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            with suppress(BrokenPipeError):  # what it did not read any more
                child.__exit__(None, None, None)


def serve(run: Callable[[Job, Progress], Job]) -> None:
    """The child's side: do one job after the other until nobody has any more.

    `run` calls its second argument now and then with the percentage done.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _be_modest()
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints is no answer

    def tell(word: Job) -> None:
        answers.write(json.dumps(word).encode() + b"\n")

    def progress(percent: int) -> None:
        tell({"progress": percent})

    for line in sys.stdin.buffer:
        word: Job
        try:
            word = {"result": run(json.loads(line), progress)}
        except MemoryError:
            word = {"failed": "out_of_memory"}
        except BrokenPipeError:
            return  # the box is gone
        except Exception as error:
            word = {"failed": type(error).__name__}
        with suppress(BrokenPipeError):
            tell(word)


def _be_modest() -> None:
    """Behind everybody else, within a bound of memory; where the system allows to say so."""
    with suppress(OSError):
        os.nice(NICENESS)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
