"""Which simulation belongs to a seed, and what became of it."""

import gc
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random
from typing import Final

from .bugs import BUGS
from .duel import Duel
from .findings import Findings, examine
from .memo import remembered
from .plan import Plan, Scene
from .run import Simulation
from .setting import setting

__all__ = ["PROFILES", "SCENES", "Game", "play", "played", "prepare"]

PROFILES: Final = {"1": 540, "3-absence": 200, "3-liar": 100, "4": 145, "7": 10, "10": 5}
"""Profile -> how often it is drawn, in thousandths: a count by ten tellers takes as long as a hundred by one."""
SCENES: Final[dict[Scene | str, int]] = {
    "any": 40,
    "attack": 20,
    "torn": 8,
    "stall": 8,
    "slow": 2,
    "good": 7,
    "duel": 15,
}
"""Scene -> how often it is drawn, in hundredths. `duel`: one ballot against an adversary, see `Duel`."""


@dataclass(frozen=True)
class Game:
    """One simulation."""

    seed: int
    profile: str
    scene: str
    bug: str | None = None

    @classmethod
    def drawn(cls, seed: int, profile: str | None = None, scene: str | None = None, bug: str | None = None) -> "Game":
        """The simulation of a seed; what is given is not drawn."""
        chance = Random(f"game {seed}")
        drawn_profile = chance.choices(list(PROFILES), list(PROFILES.values()))[0]
        drawn_scene = chance.choices(list(SCENES), list(SCENES.values()))[0]
        return cls(seed, profile or drawn_profile, scene or drawn_scene, bug)


def play(game: Game) -> Findings:
    """Run it. The same game always ends in the same way."""
    chance = Random(f"{game.profile}/{game.scene}/{game.seed}")
    place = setting(game.profile)
    with ExitStack() as stack:
        stack.enter_context(remembered())
        if game.bug is not None:
            stack.enter_context(BUGS[game.bug]())
        if game.scene == "duel":
            duel = Duel(place, chance, crashes=game.bug == "forgetting" or chance.random() < 0.3)
            duel.play()
            return _of_duel(duel)
        plan = Plan.drawn(place, game.scene, chance)  # type: ignore[arg-type]  # a duel is no scene of a plan
        simulation = Simulation(place, plan, chance)
        simulation.run()
        return examine(simulation)


def played(game: Game) -> tuple[Game, Findings]:
    """The game with what became of it, as a process among several gives it back."""
    return game, play(game)


def prepare() -> None:
    """Make a process ready to simulate: it makes many small things that live as long as they do, and little rubbish."""
    gc.set_threshold(100_000, 50, 50)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked for it says what was seen


def _of_duel(duel: Duel) -> Findings:
    found = Findings(counts=1, operations=len(duel.envelopes))
    winners = duel.winners()
    found.decided = len(winners)
    if len(winners) > 1:
        found.faults.append(f"{len(winners)} outcomes were had in a duel")
    for node in duel.honest:
        found.faults += node.faults
    return found
