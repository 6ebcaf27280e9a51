"""A worker's child for tests: each job says itself how it ends."""

import os
import time

from scriptrun_box.kernel.worker import Job, Progress, serve


def run(job: Job, on_progress: Progress) -> Job:
    """Do as the job says."""
    print("what a library prints is no answer")
    on_progress(1)
    if job["do"] == "die":
        os._exit(1)
    if job["do"] == "fail":
        raise ValueError("a secret that must not be told")
    if job["do"] == "hog":
        return {"size": len(bytearray(1 << 40))}
    if job["do"] == "sleep":
        time.sleep(60)
    cpus = len(os.sched_getaffinity(0))
    return {"pid": os.getpid(), "nice": os.nice(0), "cpus": cpus, "group": os.getpgrp()}


if __name__ == "__main__":
    serve(run)
