"""Which CPUs threads run on: the event loop and the writer share one, others go where they like.

The interpreter's lock lets one of those two run at a time anyway. On two CPUs each handing over of
the lock interrupts the other CPU, which costs more than the little they could do at once: orders
that come one by one are taken a quarter faster on one.
"""

import os
import sys

if sys.platform == "linux":
    _ALL = os.sched_getaffinity(0)

    def share_one() -> None:
        """Keep the calling thread, and what it starts from now on, on one of our CPUs."""
        if len(_ALL) > 1:
            os.sched_setaffinity(0, {sorted(_ALL)[os.getpid() % len(_ALL)]})

    def roam() -> None:
        """Let the calling thread run on any of our CPUs, whoever started it."""
        os.sched_setaffinity(0, _ALL)

else:

    def share_one() -> None:
        """Elsewhere the system decides."""

    def roam() -> None:
        """Elsewhere the system decides."""
