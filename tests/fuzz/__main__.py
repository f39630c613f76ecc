"""`python -m tests.fuzz`: as many inputs as you like, for everything that reads what others wrote.

    python -m tests.fuzz --inputs 1000000              a million in all, shared out
    python -m tests.fuzz --inputs 5000 --only sync-asked --begin 7
    python -m tests.fuzz --input HEX --only envelope   one input again

Stops at the first fault and prints its input, which belongs into tests/fuzz/corpus/NAME.txt.
"""

import argparse
import json
import logging
import sys
import time
import traceback

from .run import TARGETS, Found, run, try_one

_SHARES = sum(target.share for target in TARGETS)


def main() -> int:
    """Run it; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Try inputs that nobody would write.")
    parser.add_argument("--inputs", type=int, default=200_000, help="how many in all")
    parser.add_argument(
        "--begin", type=int, default=int(time.time()), help="which inputs: the same number gives the same ones"
    )
    parser.add_argument("--only", choices=[target.name for target in TARGETS], help="one target alone")
    parser.add_argument("--input", help="one input, in hexadecimal, for --only")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    asked = parser.parse_args()
    # What hostile input provokes is warned of in every line; only faults matter here.
    logging.getLogger("folkmoot").setLevel(logging.ERROR)
    logging.getLogger("folkmoot").propagate = False
    chosen = [target for target in TARGETS if asked.only in (None, target.name)]
    if asked.input is not None:
        print(try_one(chosen[0], bytes.fromhex(asked.input)))
        return 0
    shares = sum(target.share for target in chosen)
    results: list[Found] = []

    def tell(found: Found) -> None:
        if sys.stderr.isatty():
            print(
                f"\r{found.target:14} {found.inputs:9,} inputs, {len(found.outcomes)} outcomes ",
                end="",
                file=sys.stderr,
            )

    for target in chosen:
        began = time.monotonic()
        found = run(target, max(1, asked.inputs * target.share // shares), asked.begin, tell)
        results.append(found)
        took = time.monotonic() - began
        if sys.stderr.isatty():
            print("\r", end="", file=sys.stderr)
        print(
            f"{target.name:14} {found.inputs:9,} inputs, {len(found.outcomes):4} outcomes, {took:6.1f} s",
            file=sys.stderr,
        )
        if found.error is not None:
            break
    faults = [found for found in results if found.error is not None]
    if asked.json:
        print(json.dumps({
            "begin": asked.begin,
            "inputs": sum(found.inputs for found in results),
            "targets": [{"name": f.target, "inputs": f.inputs, "outcomes": len(f.outcomes)} for f in results],
            "faults": [{"name": f.target, "input": (f.fault or b"").hex(), "error": repr(f.error)} for f in faults],
        }))  # fmt: skip
    for found in faults:
        assert found.error is not None
        traceback.print_exception(found.error)
        print(f"\nA fault in {found.target}, by this input:\n{(found.fault or b'').hex()}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
