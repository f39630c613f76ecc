"""`moot minutes`: a decision on one sheet, for the notice board."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands import Caller, json_option, pass_caller
from node.commands._pick import council_option
from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import CouncilAnswer, MotionAnswer
    from node.api.ballot_answers import BallotAnswer, ResultAnswer
    from node.ballots.minutes import Minutes
    from node.ballots.resolution import Resolution
    from node.client import Client
    from protocol.council.certificate import Certificate

__all__ = ["command"]

_LONGEST = 1_200
"""Letters of a text that was voted on, beside the rest of one sheet."""
_ROUNDS = 20
"""Sentences about rounds that fit on one sheet beside the rest."""


@click.command("minutes", short_help="Print a decision for the notice board.")
@click.argument("decision")
@click.option(
    "--html", "page", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to print."
)
@click.option(
    "--pdf", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write a PDF; needs Chromium."
)
@council_option
@json_option
@pass_caller
def command(
    caller: Caller, decision: str, page: Path | None, pdf: Path | None, council: str | None, as_json: bool
) -> None:
    """Print a decision on one sheet: as text, or to a page or a PDF.

    DECISION is a ballot, or what was decided by assent: a motion, or a proposal. Of a ballot it
    says what was asked, who could vote, the result with figures and rounds, which tellers signed
    it, and how to check it; who voted what is not on it. The certificate is counted again before
    anything is printed. Of a motion it says what was decided, and who assented.
    JSON: title, outcome, files (those that were written); of a ballot also ballot, figures, record,
    checked; of a motion motion, epoch, assents (how many).
    """
    from node.ballots.minutes import as_html, as_text, to_pdf
    from node.ballots.resolution import resolution_html, resolution_text
    from node.commands._balloting import pick_ballot
    from node.commands._pick import pick_council
    from node.commands._render import clean, say, say_json
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    path = f"/v1/councils/{line.council}"
    if _is_ballot(client, line.council, decision):
        minutes = _minutes(client, path, pick_ballot(client, line.council, decision))
        html, text = as_html(minutes), as_text(minutes)
        said: dict[str, Any] = {"ballot": minutes.ballot, "title": minutes.title, "outcome": minutes.outcome}
        said |= {"figures": minutes.figures, "record": minutes.record, "checked": minutes.checked}
    else:
        sheet = _resolution(client, line.council, decision)
        html, text = resolution_html(sheet), resolution_text(sheet)
        said = {"motion": sheet.motion, "title": sheet.title, "outcome": sheet.decided}
        said |= {"epoch": sheet.epoch, "assents": len(sheet.assents)}
    files = []
    if page is not None:
        try:
            page.write_text(html, encoding="utf-8")
        except OSError as fault:
            raise Refused("file", f"{page} cannot be written ({fault.strerror}).") from fault
        files.append(str(page))
    if pdf is not None:
        to_pdf(html, pdf)
        files.append(str(pdf))
    if as_json:
        return say_json({**said, "files": files})
    for file in files:
        say(f"The minutes are in {file}.")
    if not files:
        click.echo(clean(text), nl=False)
    return None


def _is_ballot(client: "Client", council: str, decision: str) -> bool:
    from node.api.answers import Resolved

    found = client.get("/v1/resolve", list[Resolved], what=decision, council=council, kind="ballot")
    return any(one.kind == "ballot.open" for one in found)


def _resolution(client: "Client", council: str, decision: str) -> "Resolution":
    """The minutes of what was decided by assent."""
    from node.api.answers import CouncilAnswer, EpochAnswer, MotionAnswer, ProposalAnswer
    from node.ballots.resolution import Resolution
    from node.commands._pick import VERSIONS, pick_operation
    from node.commands._render import one_line

    path = f"/v1/councils/{council}"
    picked = pick_operation(client, decision, council, ("motion.move", *VERSIONS))
    if picked.kind == "motion.move":
        motion = client.get(f"{path}/motions/{picked.id}", MotionAnswer)
    else:
        proposal = client.get(f"{path}/proposals/{picked.id}", ProposalAnswer)
        if proposal.adopted is None:
            raise Refused(
                "minutes", f"'{one_line(proposal.title or '')}' is not adopted; there is nothing to print yet."
            )
        adopted = proposal.adopted
        deciding = [one for one in proposal.motions if one.state == "effective" and one.epoch == adopted.epoch]
        if not deciding:
            raise Refused(
                "minutes", "That was adopted by a ballot: name the ballot; 'moot ballot list --all' lists them."
            )
        motion = deciding[0]
    if motion.state != "effective" or motion.epoch is None:
        how = f"lapsed: {motion.why}" if motion.state == "lapsed" else f"has {motion.yes} of {motion.needed} assents"
        raise Refused("minutes", f"The motion to {one_line(motion.words, 200)} {how}; there is nothing to print.")
    number = motion.epoch
    epoch = next(one for one in client.get(f"{path}/epochs", list[EpochAnswer]) if one.number == number)
    done = next(effect for effect in epoch.effects if effect.reason == motion.motion)
    answer = client.get(path, CouncilAnswer)
    title, written = _adopted(client, path, motion) if motion.kind == "adopt" else (None, None)
    return Resolution(
        council=answer.name,
        council_id=answer.council,
        purpose=answer.purpose,
        title=title or f"To {motion.words}",
        decided=done.words,
        text=written,
        mover=motion.mover.name,
        moved=motion.time,
        reason=motion.reason,
        assents=tuple(sorted((one.member.name for one in motion.assents if one.counts), key=str.casefold)),
        threshold=motion.threshold,
        epoch=epoch.number,
        epoch_digest=epoch.digest,
        entered=epoch.time,
        motion=motion.motion,
    )


def _adopted(client: "Client", path: str, motion: "MotionAnswer") -> tuple[str | None, str | None]:
    """Title and text of the version that a motion adopted; the text if it has room on the sheet."""
    from node.api.answers import ProposalAnswer
    from node.commands._proposals import started_from
    from protocol.ids import operation_text

    version = operation_text(bytes.fromhex(motion.effect["version"]))
    proposal = client.get(f"{path}/proposals/{version}", ProposalAnswer)
    return proposal.title, _short(started_from(proposal, version).text)


def _minutes(client: "Client", path: str, id_text: str) -> "Minutes":
    from node.api.answers import CouncilAnswer
    from node.api.ballot_answers import BallotAnswer
    from node.commands._balloting import quoted
    from node.commands._render import clean
    from protocol.council.certificate import examine, read_certificate

    answer = client.get(f"{path}/ballots/{id_text}", BallotAnswer)
    if answer.result is None:
        raise Refused("minutes", f"The ballot {quoted(answer.title)} has no result yet: {clean(answer.words)}.")
    certificate = read_certificate(b"".join(client.read(f"{path}/ballots/{id_text}/certificate", casts="true")))
    findings = examine(certificate)
    checked = findings.proved
    if findings.refusal is not None:
        # A cast may come from a device that was enrolled after the ballot was opened: the log proves it.
        checked = (
            "by the node, in the council's log. From the certificate alone the votes cannot be counted again: "
            f"{findings.refusal.message}",
        )
    written = tuple(_written(client, path, pin) for pin in answer.pins)
    return _sheet(client.get(path, CouncilAnswer), answer, answer.result, certificate, checked, written)


def _written(client: "Client", path: str, version: str) -> str | None:
    """The text of a version, if it has room on the sheet."""
    from node.api.answers import ProposalAnswer
    from node.commands._proposals import started_from

    return _short(started_from(client.get(f"{path}/proposals/{version}", ProposalAnswer), version).text)


def _short(text: str | None) -> str | None:
    return text if text is not None and len(text) <= _LONGEST else None


def _sheet(
    council: "CouncilAnswer",
    answer: "BallotAnswer",
    result: "ResultAnswer",
    certificate: "Certificate",
    checked: tuple[str, ...],
    written: tuple[str | None, ...],
) -> "Minutes":
    from node.ballots.explained import bars
    from node.ballots.minutes import Minutes, Signature
    from node.ballots.proof import question_of
    from node.commands._balloting import division_words
    from protocol.ids import person_text

    question = question_of(certificate)
    drawn = [] if result.result is None else bars(question, result.result)
    signed = dict(certificate.signatures)
    return Minutes(
        council=council.name,
        council_id=council.council,
        purpose=council.purpose,
        title=answer.title or "(the title is erased)",
        text=answer.text,
        opener=answer.opener.name,
        opened=answer.time,
        closed=answer.deadline,
        pinned=tuple(zip(answer.pinned, answer.pins, written, strict=True)),
        options=tuple(answer.question.options),
        terms=(*answer.question.terms, *division_words(answer)),
        hidden=answer.hidden,
        epoch=answer.epoch,
        people=result.people,
        voted=result.voted,
        quorum=f"{result.quorum} of them, which is {answer.quorum_needed}",
        outcome=result.words,
        figures=result.figures,
        adopted=result.adopted,
        bars=tuple(drawn),
        rounds=_rounds(result, bool(drawn)),
        ties=tuple(result.ties),
        equal=result.equal_words,
        classes=tuple(one.words for one in result.classes),
        drawn=answer.drawn,
        effect=_effect(answer, result),
        finality=_finality(answer, result),
        round=certificate.round,
        needed=answer.needed,
        signatures=tuple(
            Signature(person_text(key), signed[key].hex() if key in signed else None) for key in certificate.tellers
        ),
        ballot=answer.ballot,
        record=result.record,
        checked=checked,
        warnings=tuple(f"Warning: {one.words}." for one in answer.equivocations),
    )


def _rounds(result: "ResultAnswer", drawn: bool) -> tuple[str, ...]:
    """The rounds that one sheet has room for; drawn: the first sentence is drawn as bars already."""
    lines = result.explanation[1:] if drawn else result.explanation
    if len(lines) <= _ROUNDS:
        return tuple(lines)
    return (*lines[:_ROUNDS], f"... and {len(lines) - _ROUNDS} more, which 'moot ballot show' has.")


def _effect(answer: "BallotAnswer", result: "ResultAnswer") -> str | None:
    from node.commands._balloting import no_effect

    if result.effect is not None:
        return f"In effect since epoch {result.epoch}: {result.effect}."
    if answer.effect_words is None or not result.adopted:
        return None
    if result.beyond_recall:
        return f"{no_effect(answer)} It would: {answer.effect_words}."
    return f"It takes effect with the council's next epoch: {answer.effect_words}."


def _finality(answer: "BallotAnswer", result: "ResultAnswer") -> str:
    extended = len(answer.instances) - 1
    later = f" The ballot was extended {'once' if extended == 1 else f'{extended} times'}." if extended else ""
    final = (
        f"Beyond recall since epoch {result.epoch}." if result.beyond_recall else "Final; no epoch builds on it yet."
    )
    return f"{result.certified[:1].upper()}{result.certified[1:]}. {final}{later}"
