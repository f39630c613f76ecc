"""Proposals as the API shows them: versions, motions and the talk about them."""

from typing import Literal

from node.api.answers import AdoptedAnswer, CommentAnswer, ProposalAnswer, ProposalLine, VersionAnswer
from node.api.motions import motion
from node.api.names import Names
from node.api.texts import file, text, title, version_number
from node.service import Service
from protocol.council.bodies import Adopt, Move
from protocol.council.council import Council
from protocol.council.epochs import Fact
from protocol.council.talk import Proposal, Version
from protocol.ids import operation_text

__all__ = ["comments", "proposal", "proposals"]


def proposals(service: Service, council: Council) -> list[ProposalLine]:
    """Every proposal, the latest first by its author's clock."""
    names = Names(service, council)
    lines = [
        ProposalLine(
            proposal=operation_text(one.id),
            title=title(service, council, one),
            author=names.person(one.author),
            time=one.ordered()[0].time,
            state=_state(council, one),
            versions=len(one.versions),
        )
        for one in council.talk.proposals.values()
    ]
    return sorted(lines, key=lambda line: (-line.time, line.proposal))


def _state(council: Council, proposal: Proposal) -> Literal["open", "adopted", "withdrawn"]:
    if proposal.id in council.head.adopted:
        return "adopted"
    return "withdrawn" if proposal.withdrawn else "open"


def proposal(service: Service, council: Council, proposal: Proposal) -> ProposalAnswer:
    """One proposal, whole."""
    names = Names(service, council)
    adopted = council.head.adopted.get(proposal.id)
    about: list[Fact] = [
        fact
        for fact in council.motions.values()
        if isinstance(fact.body, Move)
        and isinstance(fact.body.effect, Adopt)
        and fact.body.effect.proposal == proposal.id
    ]
    about.sort(key=lambda fact: (fact.time, fact.id))
    latest = {version.id for version in proposal.latest()}
    versions = proposal.ordered()
    return ProposalAnswer(
        proposal=operation_text(proposal.id),
        council=operation_text(council.id),
        title=title(service, council, proposal),
        author=names.person(proposal.author),
        time=versions[0].time,
        state=_state(council, proposal),
        adopted=None
        if adopted is None
        else AdoptedAnswer(
            version=operation_text(adopted.version),
            number=version_number(proposal, adopted.version),
            epoch=adopted.epoch,
        ),
        versions=[
            _version(service, council, names, version, number, version.id in latest, about)
            for number, version in enumerate(versions, start=1)
        ],
        motions=[motion(service, council, names, fact) for fact in about],
        comments=[
            comment
            for root in [version.id for version in versions] + [fact.id for fact in about]
            for comment in comments(service, council, names, root)
        ],
    )


def _version(
    service: Service,
    council: Council,
    names: Names,
    version: Version,
    number: int,
    latest: bool,
    about: list[Fact],
) -> VersionAnswer:
    body = version.body
    return VersionAnswer(
        version=operation_text(version.id),
        number=number,
        replaces=None if version.replaces is None else operation_text(version.replaces),
        author=names.person(version.author),
        time=version.time,
        title=text(service, council, version.id, body.title),
        text=text(service, council, version.id, body.text),
        erased=body.text in council.erased(version.id),
        note=text(service, council, version.id, getattr(body, "note", None)),
        files=[file(service, council, version.id, index) for index in body.files or ()],
        motions=[
            operation_text(fact.id)
            for fact in about
            if isinstance(fact.body, Move) and getattr(fact.body.effect, "version", None) == version.id
        ],
        latest=latest,
    )


def comments(service: Service, council: Council, names: Names, on: bytes) -> list[CommentAnswer]:
    """What was said on an operation, each comment followed by what was said on it, in the order of the log."""
    # A flat list with levels: nothing keeps a thread from being deeper than a parser's stack.
    talk = council.talk
    out = []
    todo = [(on, -1)]
    while todo:
        id, level = todo.pop()
        under = sorted(talk.thread.get(id, ()), key=lambda one: (talk.remarks[one].depth, one), reverse=True)
        todo += [(one, level + 1) for one in under]
        if level < 0:
            continue
        remark = talk.remarks[id]
        out.append(
            CommentAnswer(
                comment=operation_text(id),
                on=operation_text(remark.on),
                level=level,
                author=names.person(remark.author),
                time=remark.time,
                text=text(service, council, id, remark.text),
                erased=remark.text in council.erased(id),
            )
        )
    return out
