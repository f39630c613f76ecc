"""Who somebody is, as this home shows it: petname, else the name she gives herself, else her short key."""

from collections import Counter
from functools import cached_property

from node.api.answers import MemberAnswer, PersonAnswer
from node.service import Service
from protocol.council.bodies import Found, Request, parse_body
from protocol.council.council import Council
from protocol.council.roll import Member
from protocol.errors import Malformed
from protocol.ids import Membership, operation_text, peer_text, person_text

__all__ = ["Names", "short_key"]

_LONGEST = 60


def short_key(person: str) -> str:
    """A `did:key` as it is shown where there is no name: its beginning and its end."""
    key = person.removeprefix("did:key:")
    return f"{key[:8]}…{key[-4:]}"


class Names:
    """The names of one council's people, for one answer: looked up once, then remembered."""

    def __init__(self, service: Service, council: Council) -> None:
        self._service = service
        self._council = council
        self._own: dict[bytes, str | None] = {}

    @cached_property
    def _petnames(self) -> dict[bytes, str]:
        return self._service.petnames()

    @cached_property
    def _taken(self) -> Counter[str]:
        """How many people of the roll would be shown under each name."""
        return Counter(
            (self._petnames.get(member.person) or self.own_name(membership) or "").casefold()
            for membership, member in self._council.head.members.items()
        )

    def own_name(self, membership: bytes) -> str | None:
        """The name that somebody gave herself when she founded or asked to join, if it is here."""
        if membership not in self._own:
            self._own[membership] = self._read_own(membership)
        return self._own[membership]

    def _read_own(self, operation: bytes) -> str | None:
        envelope = self._service.envelope(self._council.id, operation)
        if envelope is None:
            return None
        try:
            body = parse_body(envelope.operation)
        except Malformed:
            return None
        if not isinstance(body, Found | Request) or body.name is None:
            return None
        content = envelope.contents[body.name]
        if content is None:
            return None
        return " ".join(content.data.decode("utf-8", "replace").split())[:_LONGEST] or None

    def shown(self, person: bytes, own_name: str | None, asking: bool = False) -> str:
        """What to call somebody. A name that another on the roll has too is shown with the short key.

        asking: somebody who is not on the roll yet, so that one bearer of the name is one too many.
        """
        did = person_text(person)
        petname = self._petnames.get(person)
        name = petname or own_name
        if name is None:
            return short_key(did)
        if petname is None and self._taken[name.casefold()] > (0 if asking else 1):
            return f"{name} ({short_key(did)})"
        return name

    def member(self, member: Member) -> MemberAnswer:
        """A member of the roll."""
        own = self.own_name(member.membership)
        return MemberAnswer(
            name=self.shown(member.person, own),
            person=person_text(member.person),
            membership=operation_text(member.membership),
            petname=self._petnames.get(member.person),
            own_name=own,
            since=member.since,
            absent=member.absent,
            devices=[person_text(device) for device in sorted(member.devices)],
            nodes=[peer_text(node) for node in sorted(member.nodes)],
        )

    def find(self, membership: bytes) -> Member | None:
        """A membership as of the latest epoch that had it, ended ones included."""
        for link in reversed(self._council.branch.links):
            member = link.members.get(Membership(membership))
            if member is not None:
                return member
        return None

    def person(self, membership: bytes | None, device: bytes | None = None) -> PersonAnswer:
        """Whoever holds, or held, a membership; without one (a teller, an applicant) only a key is known."""
        member = None if membership is None else self.find(membership)
        if member is None:
            name = "somebody" if device is None else self._teller(device) or short_key(person_text(device))
            return PersonAnswer(name=name, person=None, membership=None, petname=None, own_name=None)
        own = self.own_name(member.membership)
        gone = member.membership not in self._council.head.members
        return PersonAnswer(
            name=self.shown(member.person, own, asking=gone),
            person=person_text(member.person),
            membership=operation_text(member.membership),
            petname=self._petnames.get(member.person),
            own_name=own,
        )

    def somebody(self, person: bytes) -> str:
        """What to call whoever has this person's key, on the roll or not."""
        membership = self._council.head.persons().get(person)
        return self.shown(person, None if membership is None else self.own_name(membership))

    def _teller(self, key: bytes) -> str | None:
        tellers = {teller.key for link in self._council.branch.links for teller in link.tellers}
        return f"teller {short_key(person_text(key))}" if key in tellers else None

    def applicant(self, request: bytes, person: bytes) -> str:
        """What to call somebody who asks to join."""
        return self.shown(person, self.own_name(request), asking=True)
