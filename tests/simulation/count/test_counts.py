"""Simulated counts, a few of each sort; and planted bugs, each of which must be found and named."""

import json
from collections import Counter

import pytest

from .__main__ import main
from .game import Game, play

ABROAD = {
    "1": {"any": 6, "attack": 2, "stall": 2, "good": 1},
    "3-absence": {"any": 2, "attack": 1, "torn": 1, "stall": 1, "duel": 1},
    "3-liar": {"any": 2, "attack": 2, "torn": 1, "duel": 3},
    "4": {"any": 1, "attack": 1, "torn": 1, "stall": 1, "good": 1, "slow": 1, "duel": 3},
    "7": {"good": 1, "stall": 1, "duel": 1},
    "10": {"stall": 1, "duel": 1},
}
"""Profile -> scene -> how many simulations."""


@pytest.mark.parametrize("profile", list(ABROAD))
def test_no_count_has_two_outcomes_and_all_that_can_be_decided_are(profile: str) -> None:
    outcomes: Counter[str] = Counter()
    owed = decided = 0
    for scene, times in ABROAD[profile].items():
        for seed in range(times):
            found = play(Game(seed, profile, scene))
            assert found.faults == [], (scene, seed)
            outcomes += found.outcomes
            owed, decided = owed + found.owed, decided + found.decided
    # There was something to get wrong.
    assert decided > 0
    if profile != "10":
        assert owed > 0
        assert outcomes["decided"] > 0


def test_a_seed_plays_the_same_each_time() -> None:
    assert play(Game(1, "3-liar", "attack")) == play(Game(1, "3-liar", "attack"))
    assert play(Game(1, "3-liar", "attack")) != play(Game(2, "3-liar", "attack"))


@pytest.mark.parametrize(
    ("bug", "game", "finding"),
    [
        ("small quorum", ("3-liar", "duel", 54), "2 outcomes were had in a duel"),
        ("no lock", ("4", "duel", 9), "2 outcomes were had in a duel"),
        ("forgetting", ("4", "duel", 1), "2 outcomes were had in a duel"),
        ("mixed rounds", ("4", "attack", 11), "signatures of mixed rounds pass for a certificate"),
        ("just enough", ("4", "attack", 0), "an honest proposal leaves out a teller whose close it knew"),
        ("always there", ("3-liar", "any", 10), "a cast that every honest attending teller had on time is not counted"),
    ],
)
def test_a_planted_bug_is_found(bug: str, game: tuple[str, str, int], finding: str) -> None:
    profile, scene, seed = game
    assert finding in play(Game(seed, profile, scene, bug)).faults
    assert play(Game(seed, profile, scene)).faults == []


def test_the_command_says_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--processes", "1", "--profile", "3-liar", "--scene", "duel", "--only", "54"]
    assert main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["counts"], said["faults"]) == (1, [])
    assert main([*words, "--bug", "small quorum"]) == 1
    assert "2 outcomes were had in a duel" in capsys.readouterr().out
