"""The agreement: how tellers settle on one value, and never on two.

Single-shot Tendermint (Buchman, Kwon, Milosevic, "The latest gossip on BFT consensus",
arXiv 1807.04938, algorithm 1), whose messages are operations in the council's log. Each
message names among its deps what justifies it, so whether it counts is a function of its
causal past, equal on every node:

V1  a message of round r > 0 names q precommits of round r - 1
V2  a proposal is by the round's proposer; with a valid round vr >= 0 it names a polka, that
    is q prevotes of round vr for its value
V3  a prevote for a value names a valid proposal of that value in its round
V4  a precommit for a value names a polka for it in its round, and carries a signature over
    the outcome's record and the round

Messages that break these stay in the log without effect. A teller counts once for each
(round, sort, value), whether it says one thing or two: with at most f liars two values can
never both gather q precommits, and ignoring a proven liar inside an instance could.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from ..errors import Refusal

__all__ = ["NIL", "Agreement", "Message", "Outlook", "Sort", "rotation"]

Sort = Literal["propose", "prevote", "precommit"]
NIL: Final = b""
"""The value of a vote for nothing."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of one teller. `value`: 32 bytes, or `NIL` for a vote for nothing.

    valid_round: for proposals, the round of the polka they repeat, or -1. deps: the ids that
    its operation names. signature: for a precommit of a value, over its record and round.
    """

    id: bytes
    author: bytes
    sort: Sort
    round: int
    value: bytes
    valid_round: int
    deps: frozenset[bytes]
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the agreement needs to know of its surroundings.

    tellers: keys in the order of rotation. first: the place in `tellers` of the proposer of
    round 0. sealed: whether a signature is good for a value and a round. That a proposal's
    value can be one at all is judged before its message comes here.
    """

    tellers: tuple[bytes, ...]
    f: int
    q: int
    first: int
    sealed: Callable[[bytes, int, bytes, bytes], bool]
    """(teller, round, value, signature) -> whether the precommit's signature is good."""


Votes = dict[bytes, dict[bytes, list[bytes]]]
"""Value -> teller -> ids of its messages."""


@dataclass(slots=True)
class Agreement:
    """The fold of one instance's messages, in any topological order."""

    outlook: Outlook
    valid: dict[bytes, Message] = field(default_factory=dict)
    said: dict[bytes, list[Message]] = field(default_factory=dict)
    """Teller -> its valid messages, as they came."""
    proposals: dict[int, Votes] = field(default_factory=dict)
    prevotes: dict[int, Votes] = field(default_factory=dict)
    precommits: dict[int, Votes] = field(default_factory=dict)
    decided: tuple[int, bytes] | None = None
    """Round and value, once q tellers precommitted it in one round. The lowest such round."""
    polka: tuple[int, bytes] | None = None
    """The highest round with q prevotes for a value, and that value."""
    _spoken: dict[int, set[bytes]] = field(default_factory=dict)
    """Round -> the tellers that said anything in it."""

    def proposer(self, round: int) -> bytes:
        """Whose turn it is to propose."""
        return self.outlook.tellers[(self.outlook.first + round) % len(self.outlook.tellers)]

    def judge(self, message: Message) -> Refusal | None:
        """Why the message has no effect, from what it names; None when it counts."""
        outlook = self.outlook
        if message.author not in outlook.tellers:
            return Refusal("teller", "it is not by a teller of this instance.")
        if message.round > 0 and len(self._named(message, "precommit", message.round - 1)) < outlook.q:
            return Refusal("V1", "it does not name a quorum of precommits of the round before.")
        if message.sort == "propose":
            return self._judge_proposal(message)
        if message.value == NIL:
            return None
        if message.sort == "prevote":
            if not self._named(message, "propose", message.round, message.value):
                return Refusal("V3", "the prevote does not name a proposal of its value in its round.")
            return None
        if len(self._named(message, "prevote", message.round, message.value)) < outlook.q:
            return Refusal("V4", "the precommit does not name a quorum of prevotes for its value.")
        if not outlook.sealed(message.author, message.round, message.value, message.signature):
            return Refusal("V4", "the precommit's signature does not fit its value and round.")
        return None

    def _judge_proposal(self, message: Message) -> Refusal | None:
        if message.author != self.proposer(message.round):
            return Refusal("V2", "it is not this teller's turn to propose.")
        if not -1 <= message.valid_round < message.round:
            return Refusal("V2", "a proposal repeats a value of an earlier round, or of none.")
        if message.valid_round >= 0:
            polka = self._named(message, "prevote", message.valid_round, message.value)
            if len(polka) < self.outlook.q:
                return Refusal("V2", "the proposal does not name a quorum of prevotes for its value.")
        return None

    def _named(self, message: Message, sort: Sort, round: int, value: bytes | None = None) -> set[bytes]:
        """The tellers of the valid messages of this sort and round that `message` names."""
        out = set()
        for dep in message.deps:
            other = self.valid.get(dep)
            if other is not None and other.sort == sort and other.round == round and value in (None, other.value):
                out.add(other.author)
        return out

    def add(self, message: Message) -> Refusal | None:
        """Fold a message in; gives why it has no effect, or None."""
        if message.id in self.valid:
            return None
        refusal = self.judge(message)
        if refusal is not None:
            return refusal
        self.valid[message.id] = message
        self.said.setdefault(message.author, []).append(message)
        self._spoken.setdefault(message.round, set()).add(message.author)
        tables = {"propose": self.proposals, "prevote": self.prevotes, "precommit": self.precommits}
        votes = tables[message.sort].setdefault(message.round, {}).setdefault(message.value, {})
        votes.setdefault(message.author, []).append(message.id)
        if message.value == NIL or len(votes) < self.outlook.q:
            return None
        here = (message.round, message.value)
        if message.sort == "prevote" and (self.polka is None or here[0] > self.polka[0]):
            self.polka = here
        elif message.sort == "precommit" and (self.decided is None or here[0] < self.decided[0]):
            self.decided = here
        return None

    def tellers_in(self, table: dict[int, Votes], round: int) -> set[bytes]:
        """Everybody who voted in a round, for whatever value."""
        return {teller for voters in table.get(round, {}).values() for teller in voters}

    def highest_round(self, above: int) -> int:
        """The highest round beyond `above` in which more than f tellers speak, or `above`."""
        f = self.outlook.f
        return max([r for r, who in self._spoken.items() if r > above and len(who) > f], default=above)

    def silent(self, round: int) -> bool:
        """Whether nobody said anything in a round."""
        return round not in self._spoken

    def equivocators(self) -> dict[bytes, tuple[bytes, bytes]]:
        """Tellers that said two things where one is allowed: teller -> two message ids, the proof."""
        out: dict[bytes, tuple[bytes, bytes]] = {}
        for table in (self.proposals, self.prevotes, self.precommits):
            for _, votes in sorted(table.items()):
                first: dict[bytes, bytes] = {}
                for _, voters in sorted(votes.items()):
                    for teller, ids in sorted(voters.items()):
                        if teller in first:
                            out.setdefault(teller, (first[teller], min(ids)))
                        else:
                            first[teller] = min(ids)
        return out

    def quorum(self, table: dict[int, Votes], round: int, value: bytes | None = None) -> tuple[bytes, ...]:
        """Ids of one message each from q tellers of a round (for `value`, or whatever), to name as deps."""
        chosen: dict[bytes, bytes] = {}
        for what, voters in sorted(table.get(round, {}).items()):
            if value is None or what == value:
                for teller, ids in sorted(voters.items()):
                    chosen.setdefault(teller, min(ids))
        return tuple(list(chosen.values())[: self.outlook.q])

    def signatures(self, round: int, value: bytes) -> list[tuple[bytes, bytes]]:
        """(teller, signature) of the precommits of one round for one value, sorted by teller."""
        voters = self.precommits.get(round, {}).get(value, {})
        return [(teller, self.valid[min(ids)].signature) for teller, ids in sorted(voters.items())]


def rotation(instance: bytes, tellers: Iterable[bytes]) -> tuple[tuple[bytes, ...], int]:
    """The tellers in order of their keys, and the place of round 0's proposer, from the instance's id."""
    order = tuple(sorted(tellers))
    return order, int.from_bytes(instance, "big") % len(order)
