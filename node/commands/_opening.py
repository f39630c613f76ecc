"""Opening a ballot: its terms from the options, checked before anything is signed."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import CharterAnswer, ProposalAnswer
    from node.commands._voice import Voice
    from protocol.council.ballot_bodies import OpenBallot
    from protocol.council.classes import Classes
    from protocol.tellers.question import Question

__all__ = ["open_ballot"]

_MOST_OPTIONS = 100
_MARGIN = 5_000  # ms that an opening may take to reach the tellers


def open_ballot(voice: "Voice", title: str, text: str | None, asked: dict[str, Any]) -> str:
    """Open a ballot as the options of the command describe it; gives its id."""
    from node.api.answers import CharterAnswer
    from node.ballots.durations import deadline_of
    from node.ballots.question import question_of, rule_of
    from node.commands._voice import Attached, now
    from protocol.council.ballot_bodies import OpenBallot
    from protocol.ids import parse_operation

    if voice.council.forming:
        raise Refused("ballot-forming", "A council that is forming opens no ballots: it needs more members first.")
    settings = asked["settings"]
    options = [*asked["options"], *(_everybody(voice) if asked["everybody"] else ())]
    question = question_of(asked["rule"], options, asked["seats"], settings, voice.council.members)
    charter = voice.client.get(f"{voice.path}/charter", CharterAnswer)
    _check_opener(voice, charter)
    deadline = deadline_of(asked["within"], asked["deadline"], now())
    _check_notice(charter, deadline)
    proposal = _proposal(voice, asked["proposal"])
    if proposal is not None:
        _check_discussion(charter, proposal)
    effect, named, pins = _effect(voice, proposal, asked)
    if asked["elect"] is not None:
        if effect is not None:
            raise Refused("ballot-effect", "A ballot has one effect; open another ballot for the other.")
        effect = _election(voice, question, asked["elect"])
    elif effect is not None and not rule_of(question).answers:
        raise Refused(
            "ballot-effect",
            "An effect follows from a question that is adopted: leave the options out, or open a ballot that only asks; "
            "people are elected with --elect OFFICE.",
        )
    supports = _supports(voice, charter, proposal)
    weights = _weights(voice, asked["weights"])
    classes = _classes(voice, charter, asked)
    attached = Attached.none()
    heading, body_text = attached.add(" ".join(title.split())), attached.maybe(text)

    def terms(epoch: bytes) -> "OpenBallot":
        return OpenBallot(
            epoch=epoch,
            question=question,
            title=heading,
            deadline=deadline,
            text=body_text,
            proposal=None if proposal is None else parse_operation(proposal.proposal),
            pins=[parse_operation(pin) for pin in pins],
            supports=[parse_operation(support) for support in supports],
            effect=effect,
            hidden=asked["hidden"],
            weights=weights,
            classes=classes,
        )

    _check_terms(voice, charter, terms(bytes(32)))

    def body(draft: Any) -> "OpenBallot":
        return terms(bytes.fromhex(draft.epoch_digest))

    about = [proposal.proposal] if proposal is not None else []
    return voice.say("ballot.open", body, attached, dict.fromkeys([*about, *pins, *supports, *named]))


def _everybody(voice: "Voice") -> list[str]:
    """Everybody on the roll, as options."""
    from node.api.answers import MemberAnswer

    roll = voice.client.get(f"{voice.path}/roll", list[MemberAnswer])
    names = [member.name for member in roll]
    if len({name.casefold() for name in names}) != len(names):
        raise Refused(
            "ballot-options",
            "Two members have the same name: give one of them a petname, or name the options yourself.",
        )
    if len(names) > _MOST_OPTIONS:
        raise Refused("ballot-options", f"A ballot has at most {_MOST_OPTIONS} options, and there are more members.")
    return names


def _election(voice: "Voice", question: "Question", office: str) -> dict[str, Any]:
    """The effect by which whoever is chosen holds an office."""
    from node.api.answers import CouncilAnswer
    from node.ballots.question import rule_of
    from node.commands._pick import pick_member
    from protocol.council.bodies import Elect
    from protocol.counting.ballots import BudgetElection
    from protocol.ids import parse_operation

    rule = rule_of(question)
    if rule.answers or rule.takes is BudgetElection:
        raise Refused(
            "ballot-election",
            "An election has a rule that chooses among people, such as stv-scottish, schulze-winning, approval or sortition, "
            "and each of them is an option: --elect OFFICE --rule RULE --option WHO --option WHO.",
        )
    held = [one.office for one in voice.client.get(voice.path, CouncilAnswer).offices]
    named = " ".join(office.split())
    # One office under two spellings would be two.
    named = next((one for one in held if one.casefold() == named.casefold()), named)
    if not 0 < len(named) <= 80:
        raise Refused("ballot-election", "Name the office in 1 to 80 letters, such as --elect Treasurer.")
    nobody = question.settings.get("status_quo")
    people: list[bytes | None] = []
    for number, option in enumerate(question.options):
        member = None if number == nobody else pick_member(voice.client, voice.council.council, option)
        people.append(None if member is None else parse_operation(member.membership))
    if len({one for one in people if one is not None}) != len([one for one in people if one is not None]):
        raise Refused("ballot-election", "Two options are the same member; name each once.")
    return Elect(named, people).data()


def _classes(voice: "Voice", charter: "CharterAnswer", asked: dict[str, Any]) -> "Classes | None":
    """How the roll is divided, where the charter does not say it."""
    import msgspec

    from node.ballots.classes import classes_of
    from node.commands._pick import pick_member
    from protocol.council.classes import Classes

    def member_of(who: str) -> str:
        return pick_member(voice.client, voice.council.council, who).membership

    found = classes_of(asked["classes"], asked["shares"], member_of)
    if found is None:
        if asked["weights"] and charter.charter["ballots"].get("classes") is not None:
            raise Refused(
                "ballot-weights", "The charter divides the roll into classes; votes have no weights beside that."
            )
        return None
    if charter.charter["ballots"].get("classes") is not None:
        raise Refused("ballot-classes", "The charter says how the roll is divided; leave --class out.")
    if asked["weights"]:
        raise Refused("ballot-weights", "The roll is divided into classes; votes have no weights beside that.")
    return msgspec.convert(found, Classes)


def _check_opener(voice: "Voice", charter: "CharterAnswer") -> None:
    """Only whoever holds an office may open, where the charter says so and somebody does."""
    from node.api.answers import CouncilAnswer

    named = charter.charter["ballots"].get("openers")
    if named is None:
        return
    offices = voice.client.get(voice.path, CouncilAnswer).offices
    holders = next((one.members for one in offices if one.office == named), [])
    if holders and all(holder.membership != voice.me.membership for holder in holders):
        who = ", ".join(holder.name for holder in holders)
        raise Refused(
            "ballot-opener", f"By the charter ballots are opened by whoever holds the office '{named}': {who}."
        )


def _check_terms(voice: "Voice", charter: "CharterAnswer", body: "OpenBallot") -> None:
    """What would have no effect is told before it is signed."""
    from node.api.answers import MemberAnswer
    from protocol.council.charter import parse_charter
    from protocol.council.terms import check_opening
    from protocol.ids import Membership, parse_operation

    members = voice.client.get(f"{voice.path}/roll", list[MemberAnswer])
    roll: dict[Membership, Any] = {Membership(parse_operation(member.membership)): member for member in members}
    fault = check_opening(body, roll, parse_charter(charter.charter))
    if fault is not None:
        raise Refused(fault.rule, f"{fault.message[:1].upper()}{fault.message[1:]}")


def _check_notice(charter: "CharterAnswer", deadline: int) -> None:
    from node.ballots.durations import span_words
    from node.commands._voice import now

    notice = charter.charter["durations"]["notice"]
    if deadline - now() < notice * 1000 + (_MARGIN if notice else 0):
        if not notice:
            raise Refused("ballot-deadline", "The deadline is over already; give a later one.")
        raise Refused(
            "ballot-notice",
            f"The charter wants {span_words(notice)} of notice before a ballot closes; give a deadline a little later than that.",
        )


def _check_discussion(charter: "CharterAnswer", proposal: "ProposalAnswer") -> None:
    from node.ballots.durations import span_words
    from node.commands._render import when
    from node.commands._voice import now

    discussion = charter.charter["durations"]["discussion"]
    ripe = proposal.time + discussion * 1000
    if now() < ripe:
        raise Refused(
            "ballot-discussion",
            f"The charter wants {span_words(discussion)} of discussion before a ballot on a proposal: open it after {when(ripe)}.",
        )


def _proposal(voice: "Voice", given: str | None) -> "ProposalAnswer | None":
    from node.api.answers import ProposalAnswer
    from node.commands._pick import VERSIONS, pick_operation

    if given is None:
        return None
    picked = pick_operation(voice.client, given, voice.council.council, VERSIONS)
    return voice.client.get(f"{voice.path}/proposals/{picked.id}", ProposalAnswer)


def _effect(
    voice: "Voice", proposal: "ProposalAnswer | None", asked: dict[str, Any]
) -> tuple[dict[str, Any] | None, list[str], list[str]]:
    """What follows from a yes, the ids that it names, and the versions that are voted on."""
    from node.commands._pick import pick_member, pick_request
    from node.commands._proposals import latest_of
    from protocol.council.bodies import Admit, Adopt, Remove
    from protocol.ids import parse_operation

    pins = []
    effects: list[tuple[dict[str, Any], list[str]]] = []
    if proposal is not None:
        version = latest_of(proposal).version
        pins = [version]
        if asked["adopt"]:
            adopted = None if proposal.adopted is None else proposal.adopted.version
            if adopted == version:
                raise Refused("ballot-adopted", "The latest version of that proposal is adopted already.")
            replaces = None if adopted is None else parse_operation(adopted)
            effect = Adopt(parse_operation(proposal.proposal), parse_operation(version), replaces)
            effects.append((effect.data(), [proposal.proposal, version]))
    elif asked["adopt"]:
        raise Refused("ballot-adopt", "Say which proposal is to be adopted: --proposal PROPOSAL --adopt.")
    if asked["admit"] is not None:
        request = pick_request(voice.client, voice.council.council, asked["admit"]).request
        effects.append((Admit(parse_operation(request)).data(), [request]))
    if asked["remove"] is not None:
        member = pick_member(voice.client, voice.council.council, asked["remove"])
        effects.append((Remove(parse_operation(member.membership)).data(), []))
    if asked["motion"] is not None:
        effects.append(_of_motion(voice, asked["motion"]))
    if len(effects) > 1:
        raise Refused("ballot-effect", "A ballot has one effect; open another ballot for the other.")
    if not effects:
        return None, [], pins
    return effects[0][0], effects[0][1], pins


def _of_motion(voice: "Voice", given: str) -> tuple[dict[str, Any], list[str]]:
    """What a motion would do, put to a ballot instead."""
    from node.commands._pick import pick_operation
    from protocol.council.bodies import Adopt, Erase, Move, parse_body
    from protocol.ids import operation_text
    from protocol.log.operation import decode_envelope

    motion = pick_operation(voice.client, given, voice.council.council, ("motion.move",)).id
    envelope = decode_envelope(b"".join(voice.client.read(f"{voice.path}/operations/{motion}/envelope")))
    body = parse_body(envelope.operation)
    assert isinstance(body, Move)
    effect = body.effect
    named = [motion]
    if isinstance(effect, Adopt):
        named += [operation_text(effect.proposal), operation_text(effect.version)]
    elif isinstance(effect, Erase):
        named.append(operation_text(effect.operation))
    elif (request := getattr(effect, "request", None)) is not None:
        named.append(operation_text(request))
    return effect.data(), named


def _supports(voice: "Voice", charter: "CharterAnswer", proposal: "ProposalAnswer | None") -> list[str]:
    """The supports to name, where the charter asks for any."""
    from node.api.ballot_answers import SupportAnswer
    from node.commands._render import short

    needed = charter.charter["ballots"]["supporters"]
    if needed <= 1:
        return []
    if proposal is None:
        raise Refused(
            "ballot-supporters",
            f"The charter wants {needed} members to ask for a ballot, on a proposal: propose it, and name it with --proposal.",
        )
    given = voice.client.get(f"{voice.path}/proposals/{proposal.proposal}/supports", list[SupportAnswer])
    others = [one.support for one in given if one.member.membership != voice.me.membership]
    if len(others) + 1 < needed:
        raise Refused(
            "ballot-supporters",
            f"The charter wants {needed} members to ask for a ballot; with you it is {len(others) + 1}. "
            f"Others ask with: moot ballot support {short(proposal.proposal)}",
        )
    return others[:40]


def _weights(voice: "Voice", given: Sequence[str]) -> list[tuple[bytes, int, int]]:
    from node.commands._pick import pick_member
    from protocol.ids import parse_operation

    out: list[tuple[bytes, int, int]] = []
    for text in given:
        who, _, weight = text.rpartition("=")
        try:
            value = Fraction(weight)
        except (ValueError, ZeroDivisionError):
            value = Fraction(-1)
        if not who or value < 0 or max(value.numerator, value.denominator) > 1_000_000:
            raise Refused("ballot-weight", f"{text!r} is no weight; write it like --weight ben=2 or --weight ben=1/3.")
        member = pick_member(voice.client, voice.council.council, who)
        out.append((parse_operation(member.membership), value.numerator, value.denominator))
    return out
