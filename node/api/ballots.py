"""Ballots as the API shows them: what is asked of whom, where each cast stands, what came of it."""

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from node.api.ballot_answers import (
    BallotAnswer,
    BallotLine,
    BallotTeller,
    CastAnswer,
    CastDraft,
    ClassAnswer,
    EquivocationAnswer,
    InstanceAnswer,
    QuestionAnswer,
    SupportAnswer,
    VoterAnswer,
)
from node.api.effects import effect_data, motion_words
from node.api.names import Names, short_key
from node.api.results import counted, final, result
from node.api.texts import text, version_words
from node.ballots.choice import choice_words
from node.ballots.question import how_to_answer, rule_of, terms_words
from node.refused import Refused
from node.service import Service
from protocol.council.ballot_bodies import CastBody
from protocol.council.ballots import Ballot
from protocol.council.bodies import parse_body
from protocol.council.certificate import certificate_of
from protocol.council.council import Council
from protocol.council.instance import Instance
from protocol.council.terms import read_effect
from protocol.errors import Malformed
from protocol.ids import Membership, operation_text, peer_text, person_text
from protocol.log.operation import Envelope
from protocol.tellers.close import Cast, Extended, Lapsed
from protocol.tellers.question import Question, check_choice

__all__ = [
    "ballot",
    "ballot_named",
    "ballots",
    "cast_draft",
    "certificate",
    "line",
    "question_answer",
    "supports",
    "title_of",
]

State = Literal["waiting", "open", "closed", "certified", "declined"]

_DECLINED: Final = {
    "epoch": "the council had moved on to another epoch, with another roll perhaps",
    "notice": "less time was left than the charter's notice",
    "discussion": "the proposal had not been talked over for as long as the charter asks",
}


def ballot_named(council: Council, id: bytes) -> Ballot:
    """The ballot with that id; `Refused` when there is none."""
    found = council.box.ballots.get(id)
    if found is not None:
        return found
    said = council.without_effect.get(id)
    why = f": {said.message}" if said is not None else "."
    raise Refused("unknown-ballot", f"There is no ballot {operation_text(id)} in this council's log here{why}")


def title_of(service: Service, council: Council, ballot: Ballot) -> str | None:
    """A ballot's title on one line."""
    written = text(service, council, ballot.id, ballot.body.title)
    return None if written is None else " ".join(written.split())


def _state_of(ballot: Ballot, now: int) -> State:
    """Where a ballot is in its life; now: this node's clock, ms."""
    if ballot.certified:
        return "certified"
    if ballot.refused():
        return "declined"
    if not ballot.accepted():
        return "waiting"
    return "open" if now < ballot.current.deadline and not ballot.current.closes else "closed"


def _voted(ballot: Ballot) -> int:
    return len({cast.voter for cast in ballot.casts.values()})


def _words(service: Service, council: Council, ballot: Ballot, state: State) -> str:
    """How a ballot stands, without a full stop."""
    people = len(ballot.roll)
    if ballot.drawn and state in ("open", "closed"):
        return "open: lots are drawn at the deadline" if state == "open" else "closed: lots are being drawn"
    if state == "certified":
        answer = result(service, council, ballot)
        assert answer is not None
        recall = ", beyond recall" if answer.beyond_recall else ""
        certified = answer.certified
        if answer.figures in answer.words:  # it need not be said twice
            certified = certified.replace(f" {answer.figures}", "", 1)
        return f"{answer.words.rstrip('.')}; {certified}{recall}"
    if state == "declined":
        rules = {_DECLINED.get(rule, rule) for rule in ballot.declines.values()}
        return f"declined by its tellers, because {' and '.join(sorted(rules))}: open it again"
    if state == "waiting":
        accepted = len({teller for teller, _ in ballot.accepts.values()})
        return f"waits for its tellers: {accepted} of the {ballot.profile.q} that it needs have accepted it"
    voted = f"{_voted(ballot)} of {people} have voted"
    if state == "open":
        number = ballot.current.number
        extended = "" if not number else f", extended {'once' if number == 1 else f'{number} times'}"
        return f"open{extended}: {voted}"
    closed = len({close.teller for close in ballot.current.closes.values()})
    return f"closed: {voted}; {closed} of {ballot.profile.n} tellers have closed, and {ballot.profile.q} have to agree"


def line(service: Service, council: Council, names: Names, ballot: Ballot) -> BallotLine:
    """A ballot in a list."""
    state = _state_of(ballot, service.clock())
    return BallotLine(
        ballot=operation_text(ballot.id),
        title=title_of(service, council, ballot),
        opener=names.person(ballot.opener),
        time=_time(service, council, ballot.id),
        deadline=ballot.current.deadline,
        rule=ballot.body.question.rule,
        drawn=ballot.drawn,
        hidden=ballot.body.hidden,
        state=state,
        people=len(ballot.roll),
        voted=_voted(ballot),
        words=_words(service, council, ballot, state),
    )


def ballots(service: Service, council: Council) -> list[BallotLine]:
    """Every ballot: running ones first, the next deadline first; then the others, the latest first."""
    names = Names(service, council)
    lines = [line(service, council, names, ballot) for ballot in council.box.ballots.values()]
    running = [one for one in lines if one.state in ("waiting", "open", "closed")]
    over = [one for one in lines if one.state in ("certified", "declined")]
    running.sort(key=lambda one: (one.deadline, one.ballot))
    over.sort(key=lambda one: (-one.deadline, one.ballot))
    return running + over


def question_answer(question: Question) -> QuestionAnswer:
    """What is asked and how it is counted."""
    rule = rule_of(question)
    return QuestionAnswer(
        rule=rule.name,
        title=rule.title,
        options=list(question.options),
        answers=list(rule.answers),
        seats=question.seats,
        settings=dict(question.settings),
        terms=terms_words(question),
        how=how_to_answer(question),
    )


def ballot(service: Service, council: Council, ballot: Ballot) -> BallotAnswer:
    """One ballot, whole."""
    names = Names(service, council)
    body, charter, people = ballot.body, ballot.charter, len(ballot.roll)
    state = _state_of(ballot, service.clock())
    effect = None if body.effect is None else read_effect(body.effect)
    quorum = charter.ballots.quorum
    return BallotAnswer(
        ballot=operation_text(ballot.id),
        council=operation_text(council.id),
        title=title_of(service, council, ballot),
        text=text(service, council, ballot.id, body.text),
        question=question_answer(body.question),
        opener=names.person(ballot.opener),
        time=_time(service, council, ballot.id),
        epoch=ballot.epoch,
        opening_deadline=body.deadline,
        deadline=ballot.current.deadline,
        state=state,
        words=_words(service, council, ballot, state),
        hidden=body.hidden,
        people=people,
        voted=_voted(ballot),
        quorum=quorum.words(),
        quorum_needed=quorum.needed(people),
        profile=charter.tellers,
        needed=ballot.profile.q,
        liars=ballot.profile.f,
        tellers=_tellers(service, council, names, ballot),
        proposal=None if body.proposal is None else operation_text(body.proposal),
        pins=[operation_text(pin) for pin in body.pins],
        pinned=[version_words(service, council, pin) for pin in body.pins],
        supports=_backers(council, ballot),
        effect=None if effect is None else effect_data(effect.data()),
        effect_words=None if effect is None else motion_words(service, council, names, effect, charter),
        weighted=bool(ballot.weights),
        drawn=ballot.drawn,
        by_class=None if ballot.classes is None or ballot.drawn else ballot.classes.by,
        classes=_classes(ballot),
        votes=_votes(service, council, names, ballot, state),
        equivocations=list(_equivocations(names, ballot)),
        instances=[_instance(instance) for instance in ballot.instances],
        revisions=ballot.share - 1,
        result=result(service, council, ballot),
    )


def _classes(ballot: Ballot) -> list[ClassAnswer]:
    if ballot.classes is None or ballot.drawn:
        return []
    shares = {one.name: one.share for one in ballot.classes.of}
    out = []
    for name, members in ballot.division.items():
        weight = str(ballot.weight(min(members)))
        share = shares[name]
        out.append(ClassAnswer(name, len(members), None if share is None else f"{share[0]}/{share[1]}", weight))
    return out


def _time(service: Service, council: Council, operation: bytes) -> int:
    envelope = service.envelope(council.id, operation)
    return 0 if envelope is None else envelope.operation.time


def _backers(council: Council, ballot: Ballot) -> int:
    named = [council.box.supports.get(support) for support in ballot.body.supports]
    who = {one[1] for one in named if one is not None and one[0] == ballot.body.proposal and one[1] in ballot.roll}
    return len(who | {ballot.opener})


def _tellers(service: Service, council: Council, names: Names, ballot: Ballot) -> list[BallotTeller]:
    link = council.branch.links[ballot.epoch]
    nodes = {teller.key: teller.node for teller in link.tellers}
    owners = {node: membership for membership, member in link.members.items() for node in member.nodes}
    accepted = {teller for teller, _ in ballot.accepts.values()}
    closed = {close.teller for close in ballot.current.closes.values()}
    certified = final(ballot)
    signed = set() if certified is None else {key for key, _ in certified.signatures}
    two_faced = {teller for teller, _, _ in _two_faced(ballot)}
    out = []
    for key in ballot.tellers:
        answer: Literal["accepted", "declined", "silent"] = "silent"
        if key in accepted:
            answer = "accepted"
        elif key in ballot.declines:
            answer = "declined"
        rule = ballot.declines.get(key) if answer == "declined" else None
        out.append(
            BallotTeller(
                key=person_text(key),
                peer=peer_text(nodes[key]) if key in nodes else None,
                name=names.person(owners[nodes[key]]).name if nodes.get(key) in owners else None,
                here=key == service.teller,
                answer=answer,
                why=None if rule is None else _DECLINED.get(rule, rule),
                closed=key in closed,
                signed=key in signed,
                two_faced=key in two_faced,
            )
        )
    return out


def _votes(service: Service, council: Council, names: Names, ballot: Ballot, state: State) -> list[VoterAnswer]:
    counting = counted(ballot)
    answer = result(service, council, ballot)
    place = {} if ballot.drawn else {m: name for name, members in ballot.division.items() for m in members}
    out = []
    for membership in ballot.roll:
        mine = [cast for cast in ballot.casts.values() if cast.voter == membership]
        shown = next((counting[cast.id] for cast in mine if counting is not None and cast.id in counting), None)
        if shown is None:
            shown = next(iter(ballot.latest(membership)), None)
        recall = ", beyond recall" if answer is not None and answer.beyond_recall else ""
        certified = None if answer is None else f"{answer.certified}{recall}"
        out.append(
            VoterAnswer(
                voter=names.person(membership),
                in_class=place.get(membership),
                weight=str(ballot.weight(Membership(membership))),
                cast=None if shown is None else _cast(service, council, ballot, shown, state, counting, certified),
                earlier=max(0, len(mine) - 1),
            )
        )
    return sorted(out, key=lambda vote: (vote.voter.name.casefold(), vote.voter.membership or ""))


def _cast(
    service: Service,
    council: Council,
    ballot: Ballot,
    cast: Cast,
    state: State,
    counting: dict[bytes, Cast] | None,
    certified: str | None,
) -> CastAnswer:
    question = ballot.body.question
    choice: Any = ballot.opened.get(cast.id) if ballot.body.hidden else cast.choice
    envelope = service.envelope(council.id, cast.id)
    return CastAnswer(
        cast=operation_text(cast.id),
        time=0 if envelope is None else envelope.operation.time,
        revision=cast.revision,
        choice=choice,
        words=None if choice is None else choice_words(question, choice),
        reason=None if envelope is None else _reason(service, council, envelope),
        seen=len(ballot.seen.get(cast.id, ())),
        counted=None if counting is None else cast.id in counting,
        stands=_stands(ballot, cast, state, counting, certified),
    )


def _reason(service: Service, council: Council, envelope: Envelope) -> str | None:
    try:
        body = parse_body(envelope.operation)
    except Malformed:
        return None
    return text(service, council, envelope.operation.id, body.reason) if isinstance(body, CastBody) else None


def _stands(ballot: Ballot, cast: Cast, state: State, counting: dict[bytes, Cast] | None, certified: str | None) -> str:
    """Where a cast stands, for its voter."""
    n = ballot.profile.n
    if counting is not None and certified is not None:
        if cast.id in counting:
            return certified
        lapsed = certified.startswith("certified lapsed")
        return certified if lapsed else "not counted: too few tellers had it on time"
    seen = len(ballot.seen.get(cast.id, ()))
    receipt = f"with {seen} of {n} tellers, on time" if seen else "cast"
    if state == "declined":
        return "without effect: the tellers declined the ballot"
    if state != "closed":
        return receipt
    closes = ballot.current.closes.values()
    listed = len({close.teller for close in closes if cast.id in close.casts})
    closed = len({close.teller for close in closes})
    if listed:
        return f"closed, on the lists of {listed} of {closed} tellers"
    return "closed: no teller that has closed had it on time" if closed else "closed"


def _two_faced(ballot: Ballot) -> Iterator[tuple[bytes, Literal["close", "agreement"], tuple[bytes, ...]]]:
    """(teller, where, the operations that prove it) for tellers that said two things where one is allowed."""
    for instance in ballot.instances:
        said: dict[bytes, list[bytes]] = {}
        for id, close in sorted(instance.closes.items()):
            said.setdefault(close.teller, []).append(id)
        for teller, ids in sorted(said.items()):
            if len(ids) > 1:
                yield teller, "close", tuple(ids)
        for teller, proof in sorted(instance.agreement.equivocators().items()):
            yield teller, "agreement", proof


def _equivocations(names: Names, ballot: Ballot) -> Iterator[EquivocationAnswer]:
    for (device, revision), casts in ballot.equivocations().items():
        who = names.person(ballot.casts[casts[0]].voter).name
        yield EquivocationAnswer(
            who=who,
            key=person_text(device),
            what="cast",
            words=f"{who} cast {len(casts)} times as revision {revision} from one device; the lowest id counts",
            operations=[operation_text(cast) for cast in casts],
        )
    what = {"close": "closed the ballot in two ways", "agreement": "said two things in one round of the count"}
    for teller, where, ids in _two_faced(ballot):
        who = f"teller {short_key(person_text(teller))}"
        yield EquivocationAnswer(
            who=who,
            key=person_text(teller),
            what=where,
            words=f"{who} {what[where]}; it still counts once",
            operations=[operation_text(id) for id in ids],
        )


def _instance(instance: Instance) -> InstanceAnswer:
    agreement = instance.agreement
    what = instance.decided()
    outcome: Literal["counted", "extended", "lapsed"] | None = None
    if what is not None:
        outcome = "extended" if isinstance(what, Extended) else "lapsed" if isinstance(what, Lapsed) else "counted"
    return InstanceAnswer(
        number=instance.number,
        deadline=instance.deadline,
        closes=len({close.teller for close in instance.closes.values()}),
        attended=len({close.teller for close in instance.closes.values() if close.attended}),
        round=None if agreement.decided is None else agreement.decided[0],
        outcome=outcome,
    )


def supports(service: Service, council: Council, proposal: bytes) -> list[SupportAnswer]:
    """Who wants a ballot on a proposal: members of now, each once, by the clocks of their operations."""
    names = Names(service, council)
    first: dict[bytes, tuple[int, bytes]] = {}
    for support, (about, who) in council.box.supports.items():
        if about == proposal and who in council.head.members:
            at = (_time(service, council, support), support)
            first[who] = min(at, first.get(who, at))
    return [
        SupportAnswer(support=operation_text(support), member=names.person(who), time=time)
        for who, (time, support) in sorted(first.items(), key=lambda item: item[1])
    ]


def cast_draft(service: Service, council: Council, ballot: Ballot, voter: bytes, choice: Any) -> CastDraft:
    """What a cast of this membership has to say; `Refused` when it could not count."""
    state = _state_of(ballot, service.clock())
    if state in ("closed", "certified"):
        raise Refused("ballot-closed", "The ballot is closed: nothing can be cast in it any more.")
    if state == "declined":
        words = _words(service, council, ballot, state)
        raise Refused("ballot-declined", f"The ballot has no effect: {words}.")
    if ballot.drawn:
        raise Refused("choice", "Nobody votes in this ballot: at its deadline lots are drawn.")
    if voter not in ballot.roll:
        here = "joined after it was opened" if voter in council.head.members else "is no member"
        raise Refused("cast-roll", f"Only those vote who were on the roll when the ballot was opened; this one {here}.")
    if choice is not None and (fault := check_choice(ballot.body.question, choice)) is not None:
        raise Refused(fault.rule, f"{fault.message} Write: {how_to_answer(ballot.body.question)}")
    latest = ballot.latest(Membership(voter))
    revision = latest[0].revision + 1 if latest else 0
    if revision >= ballot.share:
        raise Refused("cast-revision", f"A cast can be revised {ballot.share - 1} times in this ballot, not more.")
    replaces = operation_text(latest[0].id) if latest else None
    return CastDraft(
        revision=revision,
        replaces=replaces,
        needs=[operation_text(ballot.id), *([replaces] if replaces is not None else [])],
        hidden=ballot.body.hidden,
        tellers=[person_text(teller) for teller in ballot.tellers],
    )


def certificate(service: Service, council: Council, ballot: Ballot, *, casts: bool) -> bytes:
    """The certificate's canonical bytes; casts: with the evidence to count again."""
    certified = final(ballot)
    if certified is None:
        state = _state_of(ballot, service.clock())
        words = _words(service, council, ballot, state)
        raise Refused("ballot-uncertified", f"The ballot has no certificate yet: {words}.")

    def load(operation: bytes) -> Envelope:
        envelope = service.envelope(council.id, operation)
        assert envelope is not None, "what a certificate rests on is kept"
        return envelope

    proof = certificate_of(ballot, certified, load, casts=casts)
    return msgspec.structs.replace(proof, opening=_with_question(load(ballot.id), ballot)).encode()


def _with_question(opening: Envelope, ballot: Ballot) -> bytes:
    """The opening with its title and text, as long as they are not erased: else nobody knows what was asked."""
    kept = {ballot.body.title, ballot.body.text}
    contents = tuple(content if place in kept else None for place, content in enumerate(opening.contents))
    return Envelope(opening.operation, contents).encode()
