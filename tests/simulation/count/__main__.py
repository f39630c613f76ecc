"""Many simulated counts: `python -m tests.simulation.count --counts 100000 --json`.

With a terminal on standard error it shows how far it is; Ctrl-C ends it early and says what it
saw until then. Exit code 1 when anything was found.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from .bugs import BUGS
from .findings import Findings
from .game import PROFILES, SCENES, Game, played, prepare

_BATCH = 4


class Tally:
    """What all simulations together showed."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.scenes: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.sums: Counter[str] = Counter()
        self.faults: list[dict[str, Any]] = []
        self.begun = time.monotonic()

    def add(self, game: Game, found: Findings) -> None:
        """Take one simulation in."""
        self.counts[game.profile] += found.counts
        self.scenes[game.scene] += found.counts
        self.outcomes.update(found.outcomes)
        self.sums.update(
            simulations=1,
            owed=found.owed,
            decided=found.decided,
            epochs=found.epochs,
            operations=found.operations,
        )
        if found.faults:
            named = {"seed": game.seed, "profile": game.profile, "scene": game.scene}
            self.faults.append({**named, "faults": sorted(set(found.faults))})

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        seconds = time.monotonic() - self.begun
        return {
            "counts": self.counts.total(),
            "by_profile": {name: self.counts[name] for name in PROFILES},
            "by_scene": {name: self.scenes[name] for name in SCENES},
            **self.sums,
            "outcomes": dict(sorted(self.outcomes.items())),
            "seconds": round(seconds, 1),
            "counts_per_second": round(self.counts.total() / seconds, 1),
            "faults": self.faults,
        }


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.count", description=__doc__)
    parser.add_argument("--counts", type=int, default=100_000, help="how many counts to simulate (100000)")
    parser.add_argument("--seed", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--only", type=int, help="run this seed alone")
    parser.add_argument("--profile", choices=list(PROFILES), help="tellers of this profile alone")
    parser.add_argument("--scene", choices=list(SCENES), help="this scene alone")
    parser.add_argument("--bug", choices=list(BUGS), help="plant a bug: it should be found")
    parser.add_argument("--processes", type=int, default=2, help="how many processes (2)")
    parser.add_argument("--record", type=Path, help="write the result so far to this file, again and again")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser.parse_args(words)


def _games(options: argparse.Namespace) -> Iterator[Game]:
    seeds = count(options.seed) if options.only is None else iter([options.only])
    for seed in seeds:
        yield Game.drawn(seed, options.profile, options.scene, options.bug)


def _progress(tally: Tally, wanted: int) -> None:
    if sys.stderr.isatty():
        done = tally.counts.total()
        rate = done / (time.monotonic() - tally.begun)
        left = max(0, wanted - done) / rate / 60 if rate else 0
        line = f"{done} of {wanted} counts, {rate:.1f} a second, {len(tally.faults)} found, {left:.0f} min left"
        sys.stderr.write(f"\r\033[K{line}")
        sys.stderr.flush()


def _simulate(options: argparse.Namespace, tally: Tally) -> None:
    games = _games(options)
    with get_context("spawn").Pool(options.processes, prepare) as pool:
        while tally.counts.total() < options.counts:
            batch = list(islice(games, _BATCH * options.processes * 8))
            if not batch:
                return
            for game, found in pool.imap_unordered(played, batch, _BATCH):
                tally.add(game, found)
                _progress(tally, options.counts)
            if options.record is not None:
                options.record.write_text(json.dumps(tally.data(), indent=2) + "\n")


def main(words: Sequence[str] | None = None) -> int:
    """Simulate, and say what was found."""
    options, tally = _arguments(words), Tally()
    with suppress(KeyboardInterrupt):  # what was seen until then is told all the same
        _simulate(options, tally)
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    data = tally.data()
    if options.json:
        sys.stdout.write(json.dumps(data, indent=2) + "\n")
    else:
        for name, value in data.items():
            sys.stdout.write(f"{name:18} {value}\n")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
