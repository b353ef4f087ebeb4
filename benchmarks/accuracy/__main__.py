"""`make accuracy`: measure what is missing, and write docs/accuracy.md; see `--help`."""

import argparse
import signal
import sys

from benchmarks.accuracy import report
from benchmarks.accuracy.peers import ABLATION, OURS, PEERS
from benchmarks.accuracy.rounds import chosen, chosen_tables, read, run
from benchmarks.accuracy.tables import FOLDS
from benchmarks.timing import ROOT, say

GROUPS = {"peers": [peer for peer in PEERS if peer != OURS], "ablation": list(ABLATION)}
PAGE = ROOT / "docs" / "accuracy.md"
DRAFTS = ROOT / "build" / "accuracy"


def arguments() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="A,B", help=f"these: {', '.join([*PEERS, *GROUPS])}; all, where none is named"
    )
    parser.add_argument("--tables", default="", metavar="A,B", help="on these tables alone")
    parser.add_argument("--folds", type=int, default=FOLDS, help="the first so many folds alone")
    parser.add_argument("--cap", type=int, help="at most so many training rows; the page goes to build/ then")
    parser.add_argument("--threads", type=int, default=1, help="for a fit; the page goes to build/ for more than one")
    parser.add_argument("--no-page", action="store_true", help="measure only")
    parser.add_argument("--page-only", action="store_true", help="write the page only")
    return parser


def asked_for(only: str) -> list[str]:
    """Peers by their names, groups by theirs.

    >>> asked_for("sk, hgb"), asked_for("ablation") == list(ABLATION)
    (['sk', 'hgb'], True)
    """
    everyone = [*PEERS, *ABLATION]
    for group, members in GROUPS.items():
        only = ",".join(",".join(members) if name.strip() == group else name for name in only.split(","))
    return chosen(only, everyone, "peers")


def main() -> int:
    """The exit status."""
    asked = arguments().parse_args()
    for ending in (signal.SIGINT, signal.SIGTERM):  # in the background too, where a shell has Ctrl-C ignored
        signal.signal(ending, signal.default_int_handler)
    try:
        peers, entries = asked_for(asked.only), chosen_tables(asked.tables)
        if not asked.page_only:
            run(entries, peers, range(asked.folds), asked.threads, asked.cap)
    except ValueError as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        say("\nInterrupted: what was measured before is kept, and the next run goes on from there.")
        return 130
    if not asked.no_page:
        page = PAGE
        if asked.cap is not None or asked.threads > 1:
            page = DRAFTS / f"accuracy-cap-{asked.cap}-threads-{asked.threads}.md"
        page.write_text(report.page(read(), asked.threads, asked.cap), encoding="utf-8")
        say(f"Written: {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
