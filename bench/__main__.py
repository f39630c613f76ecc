"""`python -m bench [NAME ...] [--json] [--quick]`: measure, and print tables or one JSON object.

JSON: an object with one key a benchmark, whose value is what its `run` returned.
Named alone with --json, a benchmark's result is the whole object.
"""

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence

import bench

__all__ = ["main", "names"]


def names() -> list[str]:
    """The benchmarks there are, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))


def main(args: Sequence[str] | None = None) -> int:
    """Run the benchmarks that `args` name, all of them when it names none; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, as ratios taken in one run.")
    parser.add_argument("name", nargs="*", help=f"which to run; all of them when left out: {', '.join(names())}")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quick", action="store_true", help="smaller sizes: does it run, rather than how fast")
    chosen = parser.parse_args(args)
    if unknown := [name for name in chosen.name if name not in names()]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(names())}")
    results = {}
    for name in chosen.name or names():
        module = importlib.import_module(f"bench.{name}")
        results[name] = module.run(chosen.quick)
        if not chosen.json:
            print(f"{name}\n{'-' * len(name)}\n{module.table(results[name]).rstrip()}\n", flush=True)
    if chosen.json:
        print(json.dumps(results[chosen.name[0]] if len(chosen.name) == 1 else results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
