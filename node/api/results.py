"""What came of a ballot, as the API shows it."""

from typing import Any, Literal

from node.api.ballot_answers import ClassResult, ResultAnswer
from node.api.effects import effect_words, plain
from node.api.names import Names
from node.ballots.explained import chosen, class_words, explain, figures, tie_words, verdict
from node.service import Service
from protocol.codec import decode
from protocol.council.ballots import Ballot, Certified
from protocol.council.council import Council
from protocol.council.decision_record import carried
from protocol.ids import digest, operation_text, person_text
from protocol.tellers.close import Cast
from protocol.tellers.question import adopted

__all__ = ["certified_words", "counted", "final", "result"]


def final(ballot: Ballot) -> Certified | None:
    """The certificate that ends a ballot."""
    certified = ballot.certified
    return certified[max(certified)] if certified else None


def _fields_of(certified: Certified) -> dict[str, Any]:
    """The record's fields."""
    fields: dict[str, Any] = decode(certified.record, len(certified.record))
    return fields


def counted(ballot: Ballot) -> dict[bytes, Cast] | None:
    """The casts that count, by id, with hidden choices opened; None before there is a certificate."""
    certified = final(ballot)
    if certified is None:
        return None
    fields = _fields_of(certified)
    return {cast.id: cast for cast in ballot.counted(ballot.instances[fields["instance"]], fields["value"])}


def certified_words(figure: str, round: int, signatures: int, tellers: int) -> str:
    """`certified 412-97, round 0, 4 of 4 tellers`."""
    return f"certified {figure}, round {round}, {signatures} of {tellers} tellers"


def result(service: Service, council: Council, ballot: Ballot) -> ResultAnswer | None:
    """What the tellers certified, if they have."""
    certified = final(ballot)
    if certified is None:
        return None
    fields, question = _fields_of(certified), ballot.body.question
    outcome: Literal["decided", "no quorum", "lapsed"] = fields["outcome"]
    data: dict[str, Any] | None = fields.get("result")
    equal: dict[str, Any] | None = fields.get("equal")
    classes: list[Any] = fields.get("classes", [])
    quorum = ballot.charter.ballots.quorum
    taken = next((council.settled[id] for id in sorted(ballot.certificates) if id in council.settled), None)
    if outcome == "lapsed":
        words, figure = "It lapsed: too few of the tellers were there at the deadline, again and again.", "lapsed"
        explanation = [f"After {len(ballot.instances) - 1} extensions the ballot ends without a result."]
    elif data is None:
        words, figure = f"Without effect: {fields['voted']} of {fields['people']} voted, too few.", "no quorum"
        explanation = [f"The charter's quorum is {quorum.words()}: {quorum.needed(fields['people'])} have to vote."]
    else:
        words, figure = verdict(question, data, classes), figures(question, data)
        explanation = explain(question, data)
    return ResultAnswer(
        outcome=outcome,
        words=words,
        figures=figure,
        certified=certified_words(figure, certified.round, len(certified.signatures), ballot.profile.n),
        adopted=carried(fields),
        elected=[] if data is None else chosen(question, data),
        voted=fields["voted"],
        people=fields["people"],
        quorum=quorum.words(),
        explanation=explanation,
        ties=[] if data is None else tie_words(question, data, ballot.profile.f),
        result=plain(data),
        equal=plain(equal),
        equal_words=None if equal is None else f"With one vote a person: {figures(question, equal)}.",
        classes=[
            ClassResult(
                name, people, voted, adopted(one), class_words(question, (name, people, voted, one)), plain(one)
            )
            for name, people, voted, one in classes
        ],
        instance=fields["instance"],
        round=certified.round,
        record=digest(certified.record).hex(),
        signatures=[person_text(key) for key, _ in certified.signatures],
        certificate=operation_text(certified.operation),
        beyond_recall=ballot.id in council.head.decided,
        epoch=None if taken is None else taken[0],
        effect=None
        if taken is None or taken[1]["kind"] == "decision"
        else effect_words(service, council, Names(service, council), taken[1]),
    )
