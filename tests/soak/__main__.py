"""`python -m tests.soak`: seven real nodes for so many minutes; exit code 1 when a law does not hold.

python -m tests.soak --minutes 60 --kills 100
python -m tests.soak --minutes 5 --proxies --json
"""

import argparse
import json
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.processes import Broken

from .places import namespaces_work, proxies, spaces
from .soak import NODES, Report, Soak, clocks_can_differ


def main() -> int:
    """Run it; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Seven real nodes on bad lines.")
    parser.add_argument("--minutes", type=float, default=10.0, help="for how long (10)")
    parser.add_argument("--kills", type=int, default=0, help="go on until so many nodes were killed")
    parser.add_argument(
        "--patience", type=float, default=30.0, help="seconds in which all must hold the same once lines are back (30)"
    )
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="decides what happens, as far as the machine lets it"
    )
    parser.add_argument("--proxies", action="store_true", help="proxies on loopback, though namespaces would work")
    parser.add_argument("--keep", type=Path, help="a folder for the homes, kept afterwards")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    lines = proxies if asked.proxies or not namespaces_work() else spaces

    def tell(report: Report) -> None:
        print(f"\r{report.data()}", end="\n" if not sys.stderr.isatty() else "", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder, lines(NODES) as places:
        soak = Soak(places, asked.keep or Path(folder), asked.seed, clocks=clocks_can_differ())
        try:
            soak.run(asked.minutes, asked.kills, asked.patience, tell)
        except Broken as broken:
            print(f"\nseed {asked.seed}: {broken}", file=sys.stderr)
            return 1
    print(json.dumps(soak.report.data()) if asked.json else f"\n{soak.report.data()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
