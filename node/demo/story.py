"""What happens in the demonstration, told while it happens."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from node.api.answers import RequestAnswer
from node.demo.village import Home, Village

__all__ = ["HALL", "PEOPLE", "Story"]

HALL = "Hall"
PEOPLE = ("Ana", "Ben", "Cleo", "Dan")
TITLE = "Heat the hall"
QUESTION = "Who saws the wood?"


@dataclass(slots=True)
class Story:
    """Tells and does. `tell` gets each line for people; the facts gather in `facts`."""

    village: Village
    tell: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    facts: dict[str, Any] = field(default_factory=dict)
    council: str = ""

    def _say(self, line: str) -> None:
        self.tell(f"{time.monotonic() - self.began:6.1f} s  {line}")

    def play(self) -> dict[str, Any]:
        """From five empty homes to one decision; gives the facts with documented keys."""
        village = self.village
        self._say("Five nodes start, each a process with a home of its own: the hall's and four people's.")
        village.settle(PEOPLE, HALL)
        self._found()
        self._join()
        self._cut()
        self._decide()
        self._vote()
        return self._account()

    def _found(self) -> None:
        hall, ana = self.village[HALL], self.village["Ana"]
        nonce = ana.moot("council", "nonce")["nonce"]
        offer = hall.moot("node", "teller", nonce)["offer"]
        words = ("--template", "working-group", "--min", "4", "--max", "24", "--reason", "a demonstration")
        terms = ("--notice", "0", "--discussion", "0", "--grace", "1s")
        founded = ana.moot(
            "council", "found", "--name", "Mill Street", "--purpose", "Our street decides together", *words, *terms,
            "--nonce", nonce, "--teller", offer,
        )  # fmt: skip
        self.council = founded["council"]
        self._say("Ana founds the council 'Mill Street'. The hall's node is its teller; it holds nobody's key.")

    def _join(self) -> None:
        village = self.village
        for name in PEOPLE[1:]:
            inside = PEOPLE[: PEOPLE.index(name)]
            ticket = village["Ana"].moot("invite")["ticket"]
            village[name].moot("join", ticket)
            for member in inside[: len(inside) // 2 + 1]:  # more than half of the council admits
                self._until(member, partial(self._asks, village[member], name))
                village[member].moot("admit", name.lower())
            village.alike(self.council, [HALL, *inside, name])
            self._say(f"{name} asks to join with a ticket; more than half admit {name}.")
        self.facts["members"] = village[HALL].council(self.council).members

    def _asks(self, home: Home, name: str) -> bool:
        requests = home.client().get(f"/v1/councils/{self.council}/requests", list[RequestAnswer])
        return any(request.name == name.lower() for request in requests)

    def _until(self, name: str, true: Callable[[], bool]) -> None:
        self.village.until(self.village[name], self.council, true)

    def _cut(self) -> None:
        village = self.village
        proposal = village["Ben"].moot("propose", TITLE, "--text", "Let us buy an oil stove for the hall.")["proposal"]
        village.alike(self.council)
        self._say(f"Ben proposes '{TITLE}'. All five nodes have it.")
        with village.cut([HALL, "Ana"], ["Ben", "Cleo", "Dan"]):
            self._say("The network is cut in two: the hall and Ana here; Ben, Cleo and Dan there.")
            village["Ana"].moot(
                "amend", proposal, "--text", "Let us buy a wood stove for the hall.", "--note", "no oil"
            )
            village["Dan"].moot("comment", proposal, "--text", "Oil is dear, and it smells.")
            self._say("Ana amends the text on her side; Dan comments on his. Neither side sees the other.")
            self._pull_the_plug(proposal)
            village["Ben"].moot("comment", proposal, "--text", "Wood would do as well. Who saws it?")
            sides = [village.alike(self.council, side) for side in ([HALL, "Ana"], ["Ben", "Cleo", "Dan"])]
            self.facts["digests_while_cut"] = sides
            self._say("Each side agrees with itself, and the two sides differ." if sides[0] != sides[1] else "")
        digest = village.alike(self.council)
        self._say(f"The halves meet again: five nodes, one state ({digest[:12]}...).")
        self.facts["proposal"] = proposal

    def _pull_the_plug(self, proposal: str) -> None:
        """Cleo's node dies in the middle of her writing; what it acknowledged is there when it comes back."""
        cleo = self.village["Cleo"]
        said = cleo.moot("comment", proposal, "--text", "I can saw on Saturdays.")["comment"]
        cleo.kill()
        self._say("Cleo writes; her node is killed (SIGKILL) the moment it has said 'accepted' ...")
        cleo.begin()
        cleo.ready()
        kept = cleo.moot("show", said)
        self.facts["killed"] = {"node": "Cleo", "operation": said, "kept": kept is not None}
        self._say("... and comes back: what she wrote is there.")

    def _decide(self) -> None:
        village = self.village
        for name in ("Ana", "Cleo"):
            village[name].moot("assent", TITLE)
        self._say(
            "Ana and Cleo assent to the latest version. Two of four are not enough; the charter says more than 1/2."
        )
        motion = village["Dan"].moot("assent", TITLE, "--wait", "--seconds", "60")
        self._say("Dan assents too: the hall's teller puts it into effect, and every node checks its reasons.")
        village.alike(self.council)
        self.facts["motion"] = motion["motion"]

    def _vote(self) -> None:
        """A ballot with a deadline, counted by the teller to one final result that anybody can check."""
        village = self.village
        cleo = village["Cleo"]
        begun = time.monotonic()
        cleo.moot("remind")
        patience = math.ceil(10 + 15 * (time.monotonic() - begun))  # a slow computer needs longer to vote
        options = [word for name in PEOPLE for word in ("--option", name)]
        opened = cleo.moot(
            "ballot",
            "open",
            QUESTION,
            "--rule",
            "approval",
            *options,
            "--in",
            f"{patience}s",
            "--wait",
            "--seconds",
            "60",
        )
        ballot = opened["ballot"]
        self._say(f"Cleo asks by ballot: '{QUESTION}' Whoever most can live with; {patience} seconds to vote.")
        village.alike(self.council)
        for name, choice in (("Ana", "cleo, dan"), ("Ben", "cleo, ben"), ("Cleo", "dan"), ("Dan", "dan")):
            village[name].moot("ballot", "cast", ballot, choice)
        again = village["Dan"].moot("ballot", "cast", ballot, "cleo")
        self._say(
            "All four vote, and Dan thinks better of it and votes anew. The latest vote before the deadline counts."
        )
        answer = cleo.moot("ballot", "show", ballot, "--wait", "final", "--seconds", "60")
        village.alike(self.council)
        result = answer["result"]
        self._say(f"The deadline passes; the hall's teller closes, counts, signs: {result['words']}")
        for line in (*result["explanation"], *result["ties"]):
            self._say(f"   {line}")
        proof = village.folder / "wood.certificate"
        cleo.moot("certificate", "get", ballot, "--with-casts", "-o", str(proof))
        key = answer["tellers"][0]["key"]
        checked = village["Ben"].moot("certificate", "verify", str(proof), "--tellers", key)
        self._say("Ben checks the certificate, one file, without a network: every vote is counted again from it.")
        self.facts["ballot"] = {
            "ballot": ballot,
            "title": answer["title"],
            "words": result["words"],
            "elected": result["elected"],
            "voted": result["voted"],
            "revision": again["revision"],
            "round": result["round"],
            "signatures": len(result["signatures"]),
            "tellers": len(answer["tellers"]),
            "record": result["record"],
            "beyond_recall": result["beyond_recall"],
            "verified": checked["ok"],
            "seconds": patience,
        }

    def _account(self) -> dict[str, Any]:
        """The state of every node, read from each."""
        village = self.village
        nodes = []
        for home in village.homes.values():
            council = home.council(self.council)
            nodes.append(
                {
                    "name": home.name,
                    "council": council.council,
                    "operations": council.operations,
                    "state_digest": council.state_digest,
                }
            )
        shown = village[HALL].moot("show", self.facts["proposal"])
        checked = village[HALL].moot("verify")
        decided = shown["state"] == "adopted" and len({node["state_digest"] for node in nodes}) == 1
        return {
            "nodes": nodes,
            "decided": decided,
            "seconds": round(time.monotonic() - self.began, 1),
            "council": self.council,
            "epoch": village[HALL].council(self.council).epoch,
            "adopted": shown["adopted"],
            "verified": checked["ok"],
            **self.facts,
        }
