"""How proposals, motions, requests and plain operations are shown to people."""

from typing import TYPE_CHECKING, Any

from node.commands._render import clean, count_of, indent, one_line, say, say_json, short, when

if TYPE_CHECKING:
    from node.api.answers import CommentAnswer, MotionAnswer, OperationAnswer, ProposalAnswer
    from node.client import Client

__all__ = ["show_motion", "show_operation", "show_proposal", "standing"]

_DEEPEST = 8


def show_motion(client: "Client", path: str, motion: str, wait: bool, seconds: float | None, as_json: bool) -> None:
    """Show one motion, once it is settled if asked to wait."""
    from node.api.answers import MotionAnswer
    from node.commands._follow_up import settled

    answer = settled(client, path, motion, seconds) if wait else client.get(f"{path}/motions/{motion}", MotionAnswer)
    if as_json:
        return say_json(answer)
    say(f"Motion to {clean(answer.words)}")
    say(f"  {answer.motion}")
    say(f"  moved by {clean(answer.mover.name)}, {when(answer.time)}")
    if answer.reason:
        say(indent(answer.reason))
    say(f"  {standing(answer)}")
    for given in answer.assents:
        counts = "" if given.counts else " (does not count)"
        say(f"  assent: {clean(given.member.name)}, {when(given.time)}{counts}")


def standing(motion: "MotionAnswer") -> str:
    """How a motion stands, in one sentence."""
    if motion.state == "effective":
        return f"In effect since epoch {motion.epoch}, by {count_of(motion.yes, 'assent')}."
    if motion.state == "lapsed":
        return f"Lapsed in epoch {motion.epoch}: {clean(motion.why or '')}."
    more = (
        f"enough; {motion.waits or 'the next epoch puts it into effect'}"
        if motion.met
        else f"{motion.needed} are needed ({motion.threshold})"
    )
    return f"{motion.yes} of {motion.of} assent; {more}."


def show_proposal(answer: "ProposalAnswer", every: bool) -> None:
    """Show a proposal: the text that stands, its versions, motions and what was said."""
    say(f"{one_line(answer.title or '(the title is erased)', 200)}")
    say(f"  {answer.proposal}")
    if answer.adopted is not None:
        say(f"  Adopted: version {answer.adopted.number}, in epoch {answer.adopted.epoch}.")
    elif answer.state == "withdrawn":
        say("  Withdrawn by its author.")
    for version in answer.versions:
        adopted = answer.adopted is not None and version.version == answer.adopted.version
        say("")
        mark = ", adopted" if adopted else ""
        say(
            f"Version {version.number} by {clean(version.author.name)}, {when(version.time)}{mark}  {short(version.version)}"
        )
        if version.note:
            say(f"  Note: {one_line(version.note, 200)}")
        if every or adopted or version.latest:
            said = version.text
            gone = "(the text is erased)" if version.erased else "(the text is not here yet)"
            say(indent(gone if said is None else said))
        for file in version.files:
            say(f"    attached file {file.index}: {file.size} bytes, {file.state}")
    for motion in answer.motions:
        say("")
        say(f"Motion to {clean(motion.words)}  {short(motion.motion)}")
        say(f"  {standing(motion)}")
    if answer.comments:
        say("")
        say("Comments:")
    for comment in answer.comments:
        _comment(comment)


def _comment(comment: "CommentAnswer") -> None:
    by = 2 + 2 * min(comment.level, _DEEPEST)
    say(" " * by + f"{clean(comment.author.name)}, {when(comment.time)}  {short(comment.comment)}")
    gone = "(erased)" if comment.erased else "(not here yet)"
    say(indent(gone if comment.text is None else comment.text, by + 2))


def show_operation(answer: "OperationAnswer") -> None:
    """Show an operation as it lies in the log."""
    say(f"{answer.kind}  {answer.id}")
    say(f"  by {clean(answer.author.name)}, {when(answer.time)}, with device {answer.device}")
    say(
        f"  depth {answer.depth}, epoch {answer.epoch}, builds on {', '.join(short(dep) for dep in answer.deps) or 'nothing'}"
    )
    if answer.without_effect:
        say(f"  Without effect: {clean(answer.without_effect)}")
    for key, value in answer.body.items():
        say(f"  {clean(key)}: {one_line(_plain(value), 200)}")
    for content in answer.contents:
        say(f"  {content.sort} {content.index}: {content.size} bytes, {content.state}")
        if content.text is not None:
            say(indent(content.text, 6))


def _plain(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
