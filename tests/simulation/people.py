"""What the people on simulated nodes do: they talk, invite, decide, come and go, as their own node shows the council."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from protocol.council.council import Council, Heads
from protocol.council.roll import Member
from protocol.keys import public_key
from protocol.log.operation import Content, Draft
from tests.worlds import Person, seed

from .acts import ACTS, Act, comment, rekey, remove
from .node import Node, Ticket

if TYPE_CHECKING:
    from .simulation import Simulation

__all__ = ["People", "Villager", "Voice", "enrolled"]


@dataclass(slots=True)
class Villager:
    """Somebody at a node. `number`: how often she got new keys; `devices`: how many she has had under these."""

    name: str
    home: Node
    number: int = 0
    devices: int = 1
    nodes: int = 1

    @property
    def person(self) -> Person:
        return Person(self.name, self.number)


def enrolled(council: Council, device: bytes) -> bool:
    """Whether a device is on the roll."""
    return any(device in member.devices for member in council.head.members.values())


@dataclass(frozen=True, slots=True)
class Voice:
    """A villager as her node shows her: on the roll, with a device that she can sign with."""

    who: Villager
    council: Council
    member: Member
    device: bytes
    """The seed."""


class People:
    """Everybody who is, was or may become a member."""

    def __init__(self, simulation: "Simulation") -> None:
        self.simulation = simulation
        self.chance = simulation.chance
        self.everybody: list[Villager] = []
        self.devices: dict[bytes, bytes] = {}
        """Device key -> its seed."""
        self.invitations = 0
        self.acts = 0
        self.silent = False

    def add(self, who: Villager) -> Villager:
        """One more."""
        self.everybody.append(who)
        self.hold(who.person.device_seed())
        return who

    def hold(self, device: bytes) -> bytes:
        """Have the device with this seed; gives its key."""
        key = public_key(device)
        self.devices[key] = device
        return key

    def voice(self, who: Villager) -> Voice | None:
        """What she can act as now, if she can."""
        council = who.home.council
        if council is None:
            return None
        persons = council.head.persons()
        # A motion may give her new keys that her node has not heard of yet, or never will.
        for number in range(who.number, -1, -1):
            membership = persons.get(Person(who.name, number).key)
            if membership is not None:
                member = council.head.members[membership]
                held = sorted(member.devices & self.devices.keys())
                return Voice(who, council, member, self.devices[self.chance.choice(held)]) if held else None
        return None

    def act(self) -> None:
        """Somebody does something whose node runs and lists her."""
        (deed,) = self.chance.choices(list(ACTS), list(ACTS.values()))
        for who in self.chance.sample(self.everybody, len(self.everybody)):
            if self.voice(who) is not None:
                who.home.do(partial(self._act, who, deed))
                return

    def _act(self, who: Villager, deed: Act) -> None:
        voice = self.voice(who)
        if voice is not None and not self.silent:
            deed(self, voice)

    def expel(self) -> None:
        """Somebody is out of reach with one other and writes on, while the rest remove her, or give her new keys."""
        simulation, chance = self.simulation, self.chance
        mover = self.voice(self.everybody[0])
        away = [who for who in self.everybody if who.home is not simulation.hall and self.voice(who) is not None]
        if self.silent or mover is None or not simulation.hall.up or len(away) < 4:
            return
        victim, friend = chance.sample(away, 2)
        persons = mover.council.head.persons()
        if victim.person.key not in persons:
            return
        homes = [victim.home.key, friend.home.key]
        simulation.network.part(homes)
        simulation.timeline.after(chance.uniform(120_000, 240_000), lambda: simulation.network.join(homes))
        for _ in range(3):
            simulation.timeline.after(
                chance.uniform(1_000, 90_000), lambda: victim.home.do(lambda: self._act(victim, comment))
            )
        (remove if chance.random() < 0.7 else rekey)(self, mover, (victim, persons[victim.person.key]))
        if chance.random() < 0.5:
            simulation.timeline.after(chance.uniform(120_000, 400_000), lambda: self.come_back(victim))

    def agree(self, who: Villager, motion: bytes) -> None:
        """Somebody assents to a motion that her node shows her."""

        def agree() -> None:
            voice = self.voice(who)
            if voice is not None and not self.silent and motion in voice.council.pending().motions:
                self.say(voice, "motion.assent", {"motion": motion}, (motion,))

        who.home.do(agree)

    def say(
        self,
        voice: Voice,
        kind: str,
        body: dict[str, Any],
        needs: tuple[bytes, ...] = (),
        contents: tuple[Content, ...] = (),
        then: Callable[[bytes, Draft], None] = lambda id, draft: None,
    ) -> None:
        """Say something as soon as the node has time; `then` comes with its id when it is on disk, and so acknowledged."""
        home = voice.who.home
        home.do(lambda: self._say(voice, kind, body, needs, contents, then))

    def _say(
        self,
        voice: Voice,
        kind: str,
        body: dict[str, Any],
        needs: tuple[bytes, ...],
        contents: tuple[Content, ...],
        then: Callable[[bytes, Draft], None],
    ) -> None:
        simulation, home, council = self.simulation, voice.who.home, voice.council
        if home.council is not council or not enrolled(council, public_key(voice.device)):
            return  # meanwhile the node was started anew, or the device revoked
        heads = council.draft(needs)
        if not isinstance(heads, Heads):
            return  # meanwhile what she meant was forgotten
        now = simulation.timeline.now + simulation.skew(home)
        draft = Draft(council.id, public_key(voice.device), heads.depth, heads.deps, now, kind, body, contents)
        envelope = draft.signed(voice.device)
        id = envelope.operation.id
        self.acts += 1

        def acknowledged() -> None:
            simulation.acknowledged[id] = home, draft.author
            then(id, draft)

        home.take([envelope.encode()], None, acknowledged)
        simulation.saying(home)
        if id not in council:
            simulation.complain(f"{home.name} did not take in what was said there: {kind}")

    # --- coming -----------------------------------------------------------------------------

    def come(self, name: str, shared: bool) -> None:
        """Somebody gets a ticket from a member, with a node of her own or to share the hall's."""
        simulation = self.simulation
        if self.silent or any(who.name == name for who in self.everybody):
            return
        simulation.timeline.after(20_000, lambda: self.come(name, shared))  # unless this works out

        def invited(secret: bytes, invitation: bytes, draft: Draft, host: Voice) -> None:
            if all(who.name != name for who in self.everybody):
                home = simulation.hall if shared else simulation.add_node(name, Person(name).node)
                who = self.add(Villager(name, home))
                if not shared:
                    home.start()
                self._ask(who, 0, secret, invitation, draft.depth, host)

        self._invite(invited)

    def come_back(self, who: Villager) -> None:
        """Somebody who left, or was removed, asks anew; with a new device, for no device is enrolled twice."""

        def invited(secret: bytes, invitation: bytes, draft: Draft, host: Voice) -> None:
            if who.person.key not in host.council.head.persons() and who.home.up:
                self.hold(who.person.device_seed(who.devices))
                who.devices += 1
                self._ask(who, who.devices - 1, secret, invitation, draft.depth, host)

        if not self.silent:
            self._invite(invited)

    def _invite(self, then: Callable[[bytes, bytes, Draft, Voice], None]) -> None:
        """Some member invites; `then` is told the ticket's secret, the invitation, and who made it."""
        voices = [v for v in map(self.voice, self.chance.sample(self.everybody, min(8, len(self.everybody)))) if v]
        voices = [v for v in voices if v.who.home.up and v.council.entitled(v.who.home.key)]
        if not voices:
            return
        self.invitations += 1
        secret = seed("invitation", self.invitations)
        body = {"key": public_key(secret), "uses": self.chance.choice((1, 1, 5))}
        host = voices[0]
        self.say(host, "council.invite", body, then=lambda id, draft: then(secret, id, draft, host))

    def _ask(self, who: Villager, device: int, secret: bytes, invitation: bytes, depth: int, host: Voice) -> None:
        """Ask to be admitted, at one's own node or in the hall."""
        simulation, person = self.simulation, who.person
        body: dict[str, Any] = person.enrolment(invitation, device)
        if who.home is not simulation.hall:
            body |= person.listing(invitation)
        now = simulation.timeline.now + simulation.skew(who.home)
        author = public_key(secret)
        draft = Draft(simulation.council, author, depth + 1, (invitation,), now, "council.request", body)
        envelope = draft.signed(secret)
        if who.home is simulation.hall:
            simulation.bring(who.home, envelope)
        else:
            nodes = tuple(dict.fromkeys((host.who.home.key, simulation.hall.key)))
            who.home.follow(Ticket(nodes, envelope.encode(), envelope.operation.id))
