"""Councils as the API shows them: what they are now, their charter, epochs, invitations and requests."""

from collections.abc import Set

from node.api.answers import (
    CharterAnswer,
    CouncilAnswer,
    CouncilLine,
    EpochAnswer,
    InvitationAnswer,
    ListedNode,
    MemberAnswer,
    OfficeAnswer,
    RequestAnswer,
    RivalAnswer,
    TellerAnswer,
)
from node.api.effects import effect_answers
from node.api.local import Network
from node.api.names import Names
from node.service import Service
from protocol.council.bodies import Admit
from protocol.council.branch import Link, read_claim
from protocol.council.council import Council
from protocol.ids import operation_text, peer_text, person_text
from protocol.log.operation import decode_envelope

__all__ = ["charter", "council", "epochs", "invitations", "line", "nodes", "offices", "requests", "rivals", "roll"]


def line(service: Service, council: Council) -> CouncilLine:
    """A council in a list."""
    head = council.head
    return CouncilLine(
        council=operation_text(council.id),
        name=" ".join(head.charter.name.split()),
        purpose=head.charter.purpose,
        epoch=head.number,
        members=len(head.members),
        forming=head.forming,
        operations=len(council),
        current=council.entitled(service.node),
    )


def council(
    service: Service, council: Council, connected: Set[bytes], silent: str | None, astray: str | None
) -> CouncilAnswer:
    """One council. connected: the nodes that this one is connected to.

    silent: why its teller signs nothing; astray: why it takes no part in ballots.
    """
    head = council.head
    return CouncilAnswer(
        council=operation_text(council.id),
        name=" ".join(head.charter.name.split()),
        purpose=head.charter.purpose,
        template=head.charter.template,
        visibility=head.charter.visibility,
        epoch=head.number,
        epoch_digest=head.digest.hex(),
        members=len(head.members),
        smallest=head.charter.size.min,
        largest=head.charter.size.max,
        forming=head.forming,
        absent=sum(member.absent for member in head.members.values()),
        operations=len(council),
        heads=len(council.heads()),
        state_digest=council.digest().hex(),
        profile=head.profile,
        tellers=[
            TellerAnswer(
                key=person_text(teller.key),
                peer=peer_text(teller.node),
                here=(teller.key, teller.node) == (service.teller, service.node),
                connected=teller.node == service.node or teller.node in connected,
                silent=silent if teller.key == service.teller else None,
                astray=astray if teller.key == service.teller else None,
            )
            for teller in head.tellers
        ],
        tellers_digest=head.tellers_digest().hex(),
        offices=offices(service, council),
        rivals=len(service.rivals(council.id)),
    )


def offices(service: Service, council: Council) -> list[OfficeAnswer]:
    """Who holds which office, by its name."""
    names = Names(service, council)
    return [
        OfficeAnswer(" ".join(office.split()), [names.person(holder) for holder in holders])
        for office, holders in sorted(council.head.offices.items())
    ]


def roll(service: Service, council: Council) -> list[MemberAnswer]:
    """The members, by the epoch that admitted them, then by name."""
    names = Names(service, council)
    members = [names.member(member) for member in council.head.members.values()]
    return sorted(members, key=lambda member: (member.since, member.name.casefold(), member.membership))


def nodes(council: Council, network: Network) -> list[ListedNode]:
    """The nodes that hold the log, tellers' first, with the addresses known here or on the roll."""
    known = {neighbour.peer: neighbour.addresses for neighbour in network.known()}
    head = council.head
    tellers = {teller.node for teller in head.tellers}
    listed: dict[bytes, tuple[str, ...]] = {teller.node: teller.addresses for teller in head.tellers}
    for _, member in sorted(head.members.items()):
        for key, listing in sorted(member.nodes.items()):
            listed[key] = (*listed.get(key, ()), *listing.addresses)
    return [
        ListedNode(
            peer=peer_text(key),
            addresses=list(dict.fromkeys([*listed.get(key, ()), *known.get(key, ())])),
            teller=key in tellers,
        )
        for key in [*sorted(tellers), *(key for key in listed if key not in tellers)]
    ]


def charter(council: Council) -> CharterAnswer:
    """The charter in force."""
    charter = council.charter
    return CharterAnswer(
        council=operation_text(council.id),
        digest=charter.digest().hex(),
        charter=charter.data(),
        words={matter: threshold.words() for matter, threshold in sorted(charter.thresholds.items())},
    )


def epochs(service: Service, council: Council) -> list[EpochAnswer]:
    """Every epoch, the founding first."""
    names = Names(service, council)
    return [_epoch(service, council, names, link) for link in council.branch.links]


def _epoch(service: Service, council: Council, names: Names, link: Link) -> EpochAnswer:
    envelope = service.envelope(council.id, link.operation)
    return EpochAnswer(
        number=link.number,
        digest=link.digest.hex(),
        operation=operation_text(link.operation) if link.number else None,
        time=0 if envelope is None else envelope.operation.time,
        effects=effect_answers(service, council, names, link.effects),
    )


def invitations(service: Service, council: Council) -> list[InvitationAnswer]:
    """Every invitation that the council remembers, by id."""
    names = Names(service, council)
    return [
        InvitationAnswer(
            invitation=operation_text(id),
            inviter=names.person(invitation.inviter),
            uses=invitation.uses,
            used=invitation.used,
            expires=invitation.expires,
            withdrawn=invitation.withdrawn,
        )
        for id, invitation in sorted(council.pending().invitations.items())
    ]


def requests(service: Service, council: Council) -> list[RequestAnswer]:
    """Who asks to join and can be admitted, the earliest first by the applicants' clocks."""
    names = Names(service, council)
    pending = council.pending()
    members = council.head.persons()
    moved: dict[bytes, list[str]] = {}
    for _, motion in sorted(pending.motions.items()):
        if isinstance(motion.effect, Admit):
            moved.setdefault(motion.effect.request, []).append(operation_text(motion.id))
    answers = []
    for id, (invitation, time, body) in sorted(pending.requests.items(), key=lambda item: (item[1][1], item[0])):
        ticket = pending.invitations[invitation]
        late = ticket.expires is not None and time > ticket.expires
        if body.person in members or ticket.withdrawn or late:
            continue
        letter = None if body.letter is None else service.content(council.id, id, body.letter)
        answers.append(
            RequestAnswer(
                request=operation_text(id),
                invitation=operation_text(invitation),
                person=person_text(body.person),
                name=names.applicant(id, body.person),
                letter=None if letter is None else letter.data.decode("utf-8", "replace"),
                time=time,
                motions=moved.get(id, []),
            )
        )
    return answers


def rivals(service: Service, council: Council) -> list[RivalAnswer]:
    """Epochs of other branches that were seen here and kept as evidence."""
    out = []
    for id, raw in service.rivals(council.id):
        envelope = decode_envelope(raw)
        if envelope.operation.kind == "council.epoch":
            claim = read_claim(int(envelope.operation.body["number"]), envelope.parts()[0], 0, [])
            out.append(RivalAnswer(operation=operation_text(id), number=claim.number, digest=claim.digest.hex()))
    return sorted(out, key=lambda rival: (rival.number, rival.digest))
