"""A council with four tellers, founded and used by the command on four computers."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.homes import PATIENCE, Home, running

NAMES = ("ana", "ben", "cleo", "dan")
WAIT = ("--wait", "--seconds", PATIENCE)
SECONDS = ("--seconds", PATIENCE)


def look(home: Home, *args: str) -> Any:
    """What a command that only looks answers, as JSON."""
    done = home.moot(*args, "--json")
    assert done.code == 0, done.err
    return done.json


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[dict[str, Home]]:
    with contextlib.ExitStack() as stack:
        homes = {name: stack.enter_context(running(tmp_path / name)).home for name in NAMES}
        for name, home in homes.items():
            home.person(name)
        yield homes


@pytest.mark.slow
def test_four_nodes_are_tellers_and_count_a_ballot(homes: dict[str, Home]) -> None:
    ana = homes["ana"]
    nonce = look(ana, "council", "nonce")["nonce"]
    offers = [look(home, "node", "teller", nonce)["offer"] for home in homes.values()]
    tellers = [word for offer in offers for word in ("--teller", offer)]
    spans = ("--notice", "0", "--discussion", "0", "--grace", "1s")
    size = ("--template", "working-group", "--min", "2", "--reason", "few")
    ana.sign("council", "found", "--name", "Mill", *size, *spans, "--nonce", nonce, *tellers)
    assert look(ana, "council", "show")["profile"] == "4"
    ticket = ana.sign("invite", "--uses", "3", "--json").json["ticket"]
    for place, name in enumerate(NAMES[1:], start=1):
        homes[name].sign("join", ticket)
        for member in NAMES[: place // 2 + 1]:
            assert look(homes[member], "admit", "--wait-for", "1", *SECONDS)["requests"]
            homes[member].sign("admit", name, *WAIT if member == NAMES[place // 2] else ())
        look(homes[name], "council", "list", *WAIT)

    options = [word for name in ("Oil", "Wood", "Nothing") for word in ("--option", name)]
    question = ("Which stove?", "--rule", "schulze-winning", *options, "--setting", "status_quo=Nothing")
    opened = homes["dan"].sign("ballot", "open", *question, "--in", "12s", *WAIT, "--json").json
    ballot = opened["ballot"]
    assert (opened["needed"], opened["liars"], len(opened["tellers"])) == (3, 1, 4)
    assert sorted(teller["name"] for teller in opened["tellers"]) == list(NAMES)
    for name, choice in zip(NAMES, ("wood > oil", "wood", "oil > wood", "nothing"), strict=True):
        look(homes[name], "ballot", "show", "Which stove?", "--wait", "accepted", *SECONDS)
        homes[name].sign("ballot", "cast", "Which stove?", choice)
    results = [look(home, "ballot", "show", ballot, "--wait", "final", *SECONDS)["result"] for home in homes.values()]
    assert all(result == results[0] for result in results)
    assert results[0]["elected"] == ["Wood"]
    assert len(results[0]["signatures"]) >= 3
    proofs = []
    for name, home in homes.items():
        file = home.path / "stove.cbor"
        home.moot("certificate", "get", ballot, "--with-casts", "-o", str(file))
        proofs.append(file.read_bytes())
        keys = ",".join(teller["key"] for teller in opened["tellers"])
        verified = home.moot("certificate", "verify", str(file), "--tellers", keys)
        assert verified.code == 0, (name, verified.err)
        assert "4 casts, each signed by its voter's device, were counted again: the same result." in verified.out
    assert len(set(proofs)) == 1
    shown = homes["ben"].moot("show", "Which stove?").out
    assert "    this node: accepted" in shown
    assert "    ana's node: accepted" in shown
    assert "Dropped, because they do not win against 'Nothing' by more than 1/2" in shown
    watched = homes["ben"].moot("council", "show").out
    assert "Ballot" not in watched, "it is over"
