"""What must hold of every simulated count, whatever the seed. Each finding is a sentence."""

from collections import Counter
from dataclasses import dataclass, field

from protocol.codec import decode
from protocol.council.ballots import Ballot, Certified
from protocol.council.certificate import certificate_of
from protocol.council.certificate import examine as examine_certificate
from protocol.council.instance import Instance
from protocol.log.operation import MAX_PARTS
from protocol.tellers.agreement import NIL, Agreement
from protocol.tellers.close import Counted, Extended

from .node import Node
from .run import Simulation
from .setting import HOUR

__all__ = ["Findings", "decisions", "examine"]


@dataclass
class Findings:
    """What one simulation showed. faults: what must not be."""

    faults: list[str] = field(default_factory=list)
    counts: int = 0
    """Ballots that enough tellers accepted."""
    owed: int = 0
    """Of these, those that had to be decided: enough honest tellers came back."""
    decided: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    epochs: int = 0
    """Epochs that were agreed on."""
    operations: int = 0
    rounds: int = 0
    """The highest round in which anything was decided."""


def examine(simulation: Simulation) -> Findings:
    """Look at everything that was said; call once the simulation has run. Gathers all nodes."""
    found = Findings(operations=len(simulation.said))
    present = {node.name for node in simulation.all if node.honest and node.up}
    _growth(simulation, found)
    before = {node.name: _certified(simulation, node) for node in simulation.all}
    simulation.gather()
    honest = [node for node in simulation.all if node.honest]
    for node in simulation.all:
        found.faults += node.faults if node.honest else []
    witness = simulation.hall
    digests = {node.council.digest() for node in honest}
    if len(digests) > 1:
        found.faults.append(f"{len(honest)} nodes that heard the same ended in {len(digests)} states")
    for node in honest:
        if _without_effect(node) != _without_effect(witness):
            found.faults.append(f"{node.name} and the hall disagree on what has an effect")
        if node.teller is not None and node.teller.stuck:
            found.faults.append(f"{node.name} is stuck: {node.teller.stuck}")
    found.epochs = witness.council.head.number - 1
    for ballot in simulation.ballots:
        _ballot(simulation, witness, honest, witness.council.box.ballots[ballot], found)
    _liveness(simulation, witness, present, before, found)
    _proposals(simulation, witness, found)
    return found


def _certified(simulation: Simulation, node: Node) -> set[bytes]:
    ballots = node.council.box.ballots
    return {id for id in simulation.ballots if id in ballots and ballots[id].certificates}


def _without_effect(node: Node) -> set[bytes]:
    """What is kept and has no effect. Of what is not kept some nodes may never have judged it."""
    dag = node.council.dag
    return {id for id in node.council.without_effect if dag.is_kept(dag.rows[id])}


def _growth(simulation: Simulation, found: Findings) -> None:
    """Where a quorum is away for ever, the others fall silent."""
    if simulation.plan.scene != "stall":
        return
    quiet = simulation.setting.begins + simulation.plan.calm + 2 * HOUR
    late = Counter(name for when, name, _ in simulation.written if when > quiet)
    if late:
        found.faults.append(f"tellers went on writing without a quorum: {dict(late)}")


def _ballot(simulation: Simulation, witness: Node, honest: list[Node], ballot: Ballot, found: Findings) -> None:
    if not ballot.accepted():
        return
    found.counts += 1
    records: dict[int, set[bytes]] = {}
    for node in honest:
        own = node.council.box.ballots[ballot.id]
        for number, proof in own.certified.items():
            records.setdefault(number, set()).add(proof.record)
        for instance in own.instances:
            if instance.agreement.decided is not None:
                records.setdefault(instance.number, set()).add(own.record(instance, instance.agreement.decided[1]))
    for number, said in sorted(records.items()):
        if len(said) > 1:
            found.faults.append(f"instance {number} has {len(said)} outcomes")
    for instance in ballot.instances:
        _instance(simulation, ballot, instance, found)
    last = ballot.instances[-1].agreement.decided
    if last is not None:
        found.decided += 1
        found.outcomes[decode(ballot.record(ballot.instances[-1], last[1]), MAX_PARTS)["outcome"]] += 1
        found.rounds = max(found.rounds, last[0])


def _instance(simulation: Simulation, ballot: Ballot, instance: Instance, found: Findings) -> None:
    agreement = instance.agreement
    winners = decisions(agreement)
    if len(winners) > 1:
        found.faults.append(f"instance {instance.number}: {len(winners)} values have a quorum of precommits")
    _mixed(simulation, ballot, instance, found)
    if agreement.decided is None:
        return
    value = agreement.decided[1]
    outcome = instance.outcome(value)
    closes = {
        id: close
        for node in simulation.all
        if node.honest
        for id, close in node.closes.items()
        if id in instance.closes
    }
    for id, close in closes.items():
        if not simulation.plan.hidden and not instance.closes[id].casts <= close.casts:
            found.faults.append("an honest close lists casts that came too late")
    if isinstance(outcome, Extended):
        return
    attending = [close.casts for close in closes.values() if close.attended]
    listed = [instance.closes[id].casts for id, close in closes.items() if close.attended]
    if isinstance(outcome, Counted):
        on_time = frozenset[bytes].intersection(*attending) if attending else frozenset()
        revoked = {(body.membership, body.device) for body in simulation.hall.council.box.revocations.values()}
        due = {id for id in on_time if (ballot.casts[id].voter, ballot.casts[id].device) not in revoked}
        if due - outcome.casts:
            found.faults.append("a cast that every honest attending teller had on time is not counted")
        if listed and not frozenset[bytes].intersection(*listed) <= outcome.casts:
            found.faults.append("a cast that every honest attending teller lists is not counted")
        if outcome.casts - frozenset[bytes]().union(*(close.casts for close in closes.values())):
            found.faults.append("a cast is counted that no honest teller had on time")


def decisions(agreement: Agreement) -> set[bytes]:
    """The values that a quorum precommitted in one round."""
    return {
        value
        for votes in agreement.precommits.values()
        for value, voters in votes.items()
        if value != NIL and len(voters) >= agreement.outlook.q
    }


def _mixed(simulation: Simulation, ballot: Ballot, instance: Instance, found: Findings) -> None:
    """Signatures of several rounds for one value never make a certificate."""
    by_value: dict[bytes, dict[bytes, tuple[int, bytes]]] = {}
    for round, votes in sorted(instance.agreement.precommits.items()):
        for value, voters in votes.items():
            for teller, ids in voters.items():
                signature = instance.agreement.valid[min(ids)].signature
                by_value.setdefault(value, {}).setdefault(teller, (round, signature))
    for value, signed in by_value.items():
        rounds = {round for round, _ in signed.values()}
        if value == NIL or len(signed) < ballot.profile.q or len(rounds) < 2:
            continue
        pairs = [(teller, signature) for teller, (_, signature) in sorted(signed.items())]
        for round in rounds:
            signatures = Certified(b"", ballot.record(instance, value), round, tuple(pairs))
            certificate = certificate_of(ballot, signatures, simulation.said.__getitem__, casts=False)
            if examine_certificate(certificate).refusal is None:
                found.faults.append("signatures of mixed rounds pass for a certificate")


def _liveness(
    simulation: Simulation, witness: Node, present: set[str], before: dict[str, set[bytes]], found: Findings
) -> None:
    """What q honest tellers accepted is decided, once they are there again."""
    gone = simulation.plan.gone
    able = {
        node.key for node in simulation.tellers() if not (node.astray or node.heard is not None or node.name in gone)
    }
    for place, id in enumerate(simulation.ballots):
        ballot = witness.council.box.ballots[id]
        accepting = {teller for teller, _ in ballot.accepts.values()}
        if not ballot.accepted() or len(accepting & able) < ballot.profile.q:
            continue
        found.owed += 1
        undecided = [name for name in present if id not in before[name]]
        if undecided:
            found.faults.append(f"ballot {place} stays undecided for {', '.join(sorted(undecided))}")
        elif id not in witness.council.head.decided:
            found.faults.append(f"no epoch took in ballot {place}")


def _proposals(simulation: Simulation, witness: Node, found: Findings) -> None:
    """An honest fresh proposal holds a close of every teller in its past."""
    dag = witness.council.dag
    keys = {node.key for node in simulation.tellers()}
    for id in simulation.ballots:
        for instance in witness.council.box.ballots[id].instances:
            for message in instance.agreement.valid.values():
                if message.sort != "propose" or message.author not in keys or message.valid_round >= 0:
                    continue
                named = {close.teller for close in instance.closes_of(message.value)}
                for close in instance.closes.values():
                    if close.teller not in named and dag.past_holds([dag.rows[message.id]], [dag.rows[close.id]]):
                        found.faults.append("an honest proposal leaves out a teller whose close it knew")
