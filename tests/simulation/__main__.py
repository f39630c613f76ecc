"""`python -m tests.simulation`: many nodes, several seeds; says what happened, and fails when a law does not hold."""

import argparse
import json
import sys
from time import perf_counter

from .simulation import Broken, Setting, Simulation


def main(arguments: list[str] | None = None) -> int:
    """Run the seeds that were asked for; 1 when a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--nodes", type=int, default=300, help="how many nodes there are in the end (300)")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds are tried (5)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--minutes", type=int, help="for how long people write, in simulated minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object for each seed")
    asked = parser.parse_args(arguments)
    setting = Setting.of(asked.nodes, asked.minutes)
    failed = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        began = perf_counter()
        try:
            report = Simulation(setting, seed).run()
        except Broken as broken:
            print(broken, file=sys.stderr)
            failed = 1
            continue
        took = perf_counter() - began
        print(
            json.dumps({**report.data(), "seconds": round(took, 1)})
            if asked.json
            else f"{report.words()} ({took:.0f} s)"
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
