"""`make soak`: load that is kept up and faults that are survived, under 20 minutes on two cores.

    python -m benchmarks.soak [kills | leaks | threads | disk] [--count 200]

One line of JSON for each; the status is 1 where a promise was broken. With their own counts, the figures go into
benchmarks/soak.json and the table of docs/promises.md; with `--count` they are only printed.
"""

import argparse
import json
import multiprocessing
import sys
from collections.abc import Callable
from typing import Any

from benchmarks import promises
from benchmarks.soak.disk import disk
from benchmarks.soak.kills import kills
from benchmarks.soak.leaks import leaks
from benchmarks.soak.threads import threads

SOAKS: dict[str, tuple[Callable[[int, int], dict[str, Any]], int]] = {  # and how often
    "kills": (kills, 200),
    "leaks": (leaks, 100_000),
    "threads": (threads, 300),
    "disk": (disk, 300),
}


def main() -> int:
    """The command; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="?", choices=SOAKS, help="all, where none is named")
    parser.add_argument("--count", type=int, help="kills, fits, rounds, faults")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--note", action="store_true", help="put figures of another count into the table, too")
    asked = parser.parse_args()
    broken = False
    for name in [asked.what] if asked.what else SOAKS:
        run, count = SOAKS[name]
        # A process of its own: none inherits the memory and the threads of another.
        with multiprocessing.get_context("spawn").Pool(1) as alone:
            result = alone.apply(run, (asked.count or count, asked.seed))
        print(json.dumps({"soak": name, **result}), flush=True)
        broken |= any(result.get(what) for what in promises.MUST_BE_0)
        if asked.count is None or asked.note:
            promises.note(promises.SOAK, name, result)
            promises.write()
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
