"""What people may do, and how often: each act is a function of who is there and of whose voice it is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from protocol.council.bodies import Admit, enrolment_message, node_message
from protocol.council.compose import leave_message, revocation_message
from protocol.council.motions import stale
from protocol.keys import ENROLMENT, LEAVE, NODE, POSSESSION, REVOCATION, public_key, sign
from protocol.log.operation import Draft
from tests.worlds import Person, Teller, attachment

from .node import Ticket

if TYPE_CHECKING:
    from .people import People, Villager, Voice

__all__ = ["ACTS", "Act", "comment", "rekey", "remove"]

Act = Callable[["People", "Voice"], None]


# --- talk -------------------------------------------------------------------------------------


def _recent(people: "People", voice: "Voice") -> bytes:
    """Something that was said lately, and is kept."""
    dag = voice.council.dag
    kept = [id for id in dag.ids[-60:] if id in dag and dag.is_kept(dag.rows[id])]
    return people.chance.choice(kept or voice.council.heads())


def comment(people: "People", voice: "Voice") -> None:
    on = _recent(people, voice)
    people.say(voice, "comment.write", {"on": on, "text": 0}, (on,), (attachment(f"words {people.acts}"),))


def _open(people: "People", voice: "Voice") -> None:
    contents = (attachment(f"title {people.acts}"), attachment("text " * people.chance.randrange(1, 80)))
    people.say(voice, "proposal.open", {"title": 0, "text": 1}, (), contents)


def _amend(people: "People", voice: "Voice") -> None:
    version = _version(people, voice)
    if version is not None:
        body = {"proposal": voice.council.talk.proposal_of[version], "replaces": version, "text": 0}
        people.say(voice, "proposal.amend", body, (version,), (attachment(f"better {people.acts}"),))


def _version(people: "People", voice: "Voice") -> bytes | None:
    versions = sorted(voice.council.talk.proposal_of)
    return people.chance.choice(versions) if versions else None


def _drop(people: "People", voice: "Voice") -> None:
    mine = [p.id for _, p in sorted(voice.council.talk.proposals.items()) if p.author == voice.member.membership]
    if mine:
        proposal = people.chance.choice(mine)
        people.say(voice, "proposal.withdraw", {"proposal": proposal}, (proposal,))


def _take_back_words(people: "People", voice: "Voice") -> None:
    remarks = voice.council.talk.remarks
    mine = sorted(id for id, remark in remarks.items() if remark.author == voice.member.membership)
    if mine:
        target = people.chance.choice(mine)
        people.say(voice, "talk.erase", {"operation": target, "attachments": [0]}, (target,))


# --- deciding ---------------------------------------------------------------------------------


def _move(people: "People", voice: "Voice", effect: dict[str, Any], needs: tuple[bytes, ...] = ()) -> None:
    people.say(voice, "motion.move", {"effect": effect}, needs)


def _rally(people: "People", voice: "Voice", effect: dict[str, Any]) -> None:
    """Move what needs more than half of the council, and get the others to assent."""

    def moved(motion: bytes, draft: Draft) -> None:
        for other in people.everybody:
            if other is not voice.who and people.chance.random() < 0.8:
                wait = people.chance.uniform(1_000, 120_000)
                people.simulation.timeline.after(wait, lambda other=other: people.agree(other, motion))  # type: ignore[misc]  # a loop's variable

    people.say(voice, "motion.move", {"effect": effect}, then=moved)


def _assent(people: "People", voice: "Voice") -> None:
    """Say yes to some of the motions that wait, and move that those be admitted who asked."""
    state, me = voice.council.pending(), voice.member.membership
    asked = {m.effect.request for m in state.motions.values() if isinstance(m.effect, Admit)}
    for request in sorted(state.requests.keys() - asked)[:2]:
        _move(people, voice, {"kind": "admit", "request": request}, (request,))
    waiting = [
        motion.id
        for _, motion in sorted(state.motions.items())
        if not stale(state, motion) and me not in {who for who, _ in motion.assents.values()}
    ]
    for motion in people.chance.sample(waiting, min(4, len(waiting))):
        people.say(voice, "motion.assent", {"motion": motion}, (motion,))


def _withdraw(people: "People", voice: "Voice") -> None:
    me = voice.member.membership
    given = sorted(
        a for m in voice.council.pending().motions.values() for a, (who, _) in m.assents.items() if who == me
    )
    if given:
        assent = people.chance.choice(given)
        people.say(voice, "motion.withdraw", {"assent": assent}, (assent,))


def _adopt(people: "People", voice: "Voice") -> None:
    version = _version(people, voice)
    if version is not None:
        proposal = voice.council.talk.proposal_of[version]
        adopted = voice.council.head.adopted.get(proposal)
        effect = {"kind": "adopt", "proposal": proposal, "version": version}
        _move(people, voice, effect | ({} if adopted is None else {"replaces": adopted.version}), (version,))


def _erase(people: "People", voice: "Voice") -> None:
    version = _version(people, voice)
    if version is not None:
        _move(people, voice, {"kind": "erase", "operation": version, "attachment": 0}, (version,))


def someone(people: "People", voice: "Voice") -> "tuple[Villager, bytes] | None":
    """Another member and her membership; not the founder: the hall stays."""
    persons = voice.council.head.persons()
    others = [(who, persons[who.person.key]) for who in people.everybody[1:] if who.person.key in persons]
    others = [one for one in others if one[0] is not voice.who]
    return people.chance.choice(others) if others else None


def remove(people: "People", voice: "Voice", whom: "tuple[Villager, bytes] | None" = None) -> None:
    found = whom or someone(people, voice)
    if found is not None:
        _rally(people, voice, {"kind": "remove", "membership": found[1]})


def rekey(people: "People", voice: "Voice", whom: "tuple[Villager, bytes] | None" = None) -> None:
    """Somebody lost her key and has a new one."""
    found = whom or someone(people, voice)
    if found is None:
        return
    other, membership = found
    old = other.person.key
    other.number += 1
    other.devices = 1
    people.hold(other.person.device_seed())
    effect = {"kind": "rekey", "membership": membership, "replaces": old, **other.person.enrolment(membership)}
    _rally(people, voice, effect)


def _charter(people: "People", voice: "Voice") -> None:
    charter = {**voice.council.charter.data(), "purpose": f"purpose {people.acts}"}
    _rally(people, voice, {"kind": "charter", "charter": charter, "replaces": voice.council.charter.digest()})


def _tellers(people: "People", voice: "Voice") -> None:
    """One teller at another place, or three of whom two are enough."""
    halls = people.simulation.halls
    some = halls if people.chance.random() < 0.5 else [people.chance.choice(halls)]
    effect = {
        "kind": "tellers",
        "profile": "1" if len(some) == 1 else "3-absence",
        "tellers": [Teller(hall).keys(voice.council.id) for hall in some],
        "replaces": voice.council.head.tellers_digest(),
    }
    _rally(people, voice, effect)


# --- one's own standing -----------------------------------------------------------------------


def _away(people: "People", voice: "Voice") -> None:
    people.say(voice, "member.return" if voice.member.absent else "member.absent", {})


def _enrol(people: "People", voice: "Voice") -> None:
    who, member = voice.who, voice.member
    if member.person != who.person.key or len(member.devices) >= voice.council.charter.limits.devices:
        return
    secret = who.person.device_seed(who.devices)
    who.devices += 1
    device = people.hold(secret)
    message = enrolment_message(member.membership, member.person, device)
    body = {
        "membership": member.membership,
        "device": device,
        "grant": sign(who.person.seed, ENROLMENT, message),
        "possession": sign(secret, POSSESSION, message),
    }
    people.say(voice, "device.enrol", body)


def _revoke(people: "People", voice: "Voice") -> None:
    member = voice.member
    if member.person != voice.who.person.key or len(member.devices) < 2:
        return
    device = people.chance.choice(sorted(member.devices))
    grant = sign(voice.who.person.seed, REVOCATION, revocation_message(voice.council.id, member.membership, device))
    people.say(voice, "device.revoke", {"membership": member.membership, "device": device, "grant": grant})


def _second_node(people: "People", voice: "Voice") -> None:
    """One more node, which fetches the council from the first one and the hall's."""
    who, simulation = voice.who, people.simulation
    if len(voice.member.nodes) >= 2 or who.home is simulation.hall:
        return
    name = f"{who.name}, node {who.nodes}"
    who.nodes += 1
    secret = Person(name).node_seed
    node = public_key(secret)
    possession = sign(secret, NODE, node_message(voice.member.membership, node))
    home = who.home.key

    def listed(id: bytes, draft: Draft) -> None:
        fresh = simulation.add_node(name, node)
        fresh.start()
        fresh.follow(Ticket((home, simulation.hall.key)))

    people.say(voice, "node.enrol", {"node": node, "possession": possession, "addresses": []}, then=listed)


def _revoke_node(people: "People", voice: "Voice") -> None:
    mine = sorted(voice.member.nodes.keys() - {voice.who.home.key})
    if mine and voice.who.home is not people.simulation.hall:
        people.say(voice, "node.revoke", {"node": people.chance.choice(mine)})


def _leave(people: "People", voice: "Voice") -> None:
    if voice.who is people.everybody[0] or voice.member.person != voice.who.person.key:
        return
    grant = sign(voice.who.person.seed, LEAVE, leave_message(voice.council.id, voice.member.membership))
    people.say(voice, "member.leave", {"grant": grant})
    if people.chance.random() < 0.5:
        wait = people.chance.uniform(60_000, 300_000)
        people.simulation.timeline.after(wait, lambda: people.come_back(voice.who))


ACTS: Final[dict[Act, float]] = {
    comment: 30,
    _open: 6,
    _amend: 6,
    _drop: 1,
    _take_back_words: 2,
    _assent: 40,
    _withdraw: 2,
    _adopt: 4,
    _erase: 0.5,
    remove: 0.6,
    rekey: 0.4,
    _charter: 0.2,
    _tellers: 0.3,
    _away: 2,
    _enrol: 2,
    _revoke: 1,
    _second_node: 1,
    _revoke_node: 0.5,
    _leave: 0.5,
}
"""What people do, and how often beside the rest."""
