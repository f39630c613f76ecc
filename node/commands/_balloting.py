"""Which ballot is meant, how one is shown, and waiting for what its tellers do."""

from typing import TYPE_CHECKING

import click

from node.commands._render import clean, columns, count_of, indent, one_line, say, short, when
from node.refused import Refused

if TYPE_CHECKING:
    from node.api.ballot_answers import BallotAnswer, BallotLine, BallotTeller, ResultAnswer, VoterAnswer
    from node.client import Client

__all__ = [
    "UNTIL",
    "bars_of",
    "division_words",
    "left",
    "list_ballots",
    "no_effect",
    "pick_ballot",
    "quoted",
    "show_ballot",
    "wait_for",
]

UNTIL = ("accepted", "certified", "final")
"""What can be waited for: enough tellers accepted it, its result is certified, or beyond recall."""
_WIDEST = 30


def quoted(title: str | None) -> str:
    """A ballot's title in a sentence."""
    return f"'{one_line(title)}'" if title else "without a title"


def left(deadline: int) -> str:
    """How long it is until a deadline, or that it is over."""
    from node.ballots.durations import span_words
    from node.commands._voice import now

    rest = deadline - now()
    return f"in {span_words(rest / 1000)}" if rest > 0 else "over"


def pick_ballot(client: "Client", council: str, given: str | None) -> str:
    """The id of the ballot that `given` names, by title or id; without a name, of the only one that runs."""
    from node.api.ballot_answers import BallotLine
    from node.commands._pick import pick_operation

    if given is not None:
        return pick_operation(client, given, council, ("ballot.open",)).id
    lines = client.get(f"/v1/councils/{council}/ballots", list[BallotLine])
    running = [line for line in lines if line.state in ("waiting", "open", "closed")]
    if len(running) != 1:
        named = ", ".join(f"{quoted(line.title)} ({short(line.ballot)})" for line in running)
        said = f"{len(running)} ballots are running ({named})" if running else "No ballot is running"
        raise Refused("ballot-which", f"{said}: name the one you mean; 'moot ballot list --all' lists them.")
    return running[0].ballot


def wait_for(client: "Client", path: str, ballot: str, until: str | None, seconds: float | None) -> "BallotAnswer":
    """The ballot, once what is waited for has come; `Refused` when it cannot come any more."""
    from node.api.ballot_answers import BallotAnswer
    from node.commands._follow_up import timed_out, waits_for

    def look() -> "BallotAnswer | None":
        answer = client.get(f"{path}/ballots/{ballot}", BallotAnswer)
        come = {
            "accepted": answer.state not in ("waiting", "declined"),
            "certified": answer.result is not None,
            "final": answer.result is not None and answer.result.beyond_recall,
        }
        if come.get(until or "", True):
            return answer
        if answer.state == "declined":
            raise Refused("ballot-declined", f"The ballot {quoted(answer.title)} is {answer.words}.")
        return None

    if (at_once := look()) is not None:
        return at_once
    waits_for(
        {"accepted": "Its tellers have to accept it.", "certified": "Its result has to be certified."}.get(
            until or "", "An epoch has to take its certificate in."
        )
    )
    try:
        return client.wait(path.rpartition("/")[2], look, seconds)
    except TimeoutError as fault:
        words = {"accepted": "its tellers have not accepted it", "certified": "its result is not certified yet"}
        raise timed_out(words.get(until or "", "no epoch has taken its certificate in yet")) from fault


def list_ballots(lines: "list[BallotLine]") -> None:
    """A line for each ballot."""
    columns(
        [
            [short(line.ballot), one_line(line.title or "(no title)", 40), when(line.deadline), clean(line.words)]
            for line in lines
        ]
    )


def show_ballot(answer: "BallotAnswer") -> None:
    """Show a ballot: what is asked, of whom, where every cast stands, the result."""
    say(one_line(answer.title or "(the title is erased)", 200))
    say(f"  {answer.ballot}")
    say(f"  opened by {clean(answer.opener.name)}, {when(answer.time)}")
    if answer.text:
        say(indent(answer.text))
    for version in answer.pinned:
        say(f"  on {clean(version)}")
    for number, option in enumerate(answer.question.options, 1):
        say(f"  {number:>3}. {one_line(option)}")
    say(f"  counted: {'; '.join(answer.question.terms)}")
    if answer.effect_words:
        say(f"  {'if it is adopted' if answer.question.answers else 'then'}: {clean(answer.effect_words)}")
    for line in division_words(answer):
        say(f"  {line}")
    if answer.hidden:
        say("  Votes are hidden until the close. The tellers see them before.")
    say(f"  until {when(answer.deadline)} ({left(answer.deadline)}); {_who(answer)}")
    _tellers(answer)
    say("")
    say(f"{clean(answer.words)[:1].upper()}{clean(answer.words)[1:]}.")
    if answer.result is not None:
        _result(answer.result, answer)
    elif answer.state in ("waiting", "open") and not answer.drawn:
        say(f"To vote: moot ballot cast {short(answer.ballot)} {answer.question.how}")
    say("")
    if not answer.drawn:
        columns([_vote(vote, answer) for vote in answer.votes])
    for one in answer.equivocations:
        say(f"Warning: {clean(one.words)} ({', '.join(short(id) for id in one.operations)}).")


def division_words(answer: "BallotAnswer") -> list[str]:
    """How the roll is divided into classes, if it is."""
    if answer.by_class is None:
        return []
    shares = answer.by_class == "shares"
    named = [
        f"{clean(one.name)} ({one.people}" + (f", {one.share} of the whole, {one.weight} a vote)" if shares else ")")
        for one in answer.classes
    ]
    how = "votes weigh by the shares of classes" if shares else "each class has to adopt it too"
    return [f"{how}: {', '.join(named)}"]


def _who(answer: "BallotAnswer") -> str:
    if answer.drawn:
        return "nobody votes, lots are drawn from the tellers' numbers"
    weights = ", whose votes weigh differently" if answer.weighted else ""
    needed = count_of(answer.quorum_needed, "has to", "have to")
    return f"{answer.people} may vote{weights}, {needed} ({answer.quorum})"


def _tellers(answer: "BallotAnswer") -> None:
    n = len(answer.tellers)
    if n == 1:
        (only,) = answer.tellers
        say(f"  one teller, {_where(only)}: {only.answer}{_why(only.why)}")
        return
    say(f"  {n} tellers, {answer.needed} of them have to agree:")
    for teller in answer.tellers:
        signed = ", signed the result" if teller.signed else ", closed" if teller.closed else ""
        double = ", SAID TWO THINGS" if teller.two_faced else ""
        say(f"    {_where(teller)}: {teller.answer}{_why(teller.why)}{signed}{double}")


def _where(teller: "BallotTeller") -> str:
    """Where a teller runs, as people know it."""
    if teller.here:
        return "this node"
    if teller.name is not None:
        return f"{clean(teller.name)}'s node"
    return f"node {teller.peer}" if teller.peer else teller.key


def _why(reason: str | None) -> str:
    return f" ({clean(reason)})" if reason else ""


def _vote(vote: "VoterAnswer", answer: "BallotAnswer") -> list[str]:
    weight = f"x {vote.weight}" if answer.weighted else ""
    if vote.in_class is not None:
        weight = f"{one_line(vote.in_class, 20)}  {weight}".rstrip()
    cast = vote.cast
    if cast is None:
        return [clean(vote.voter.name), weight, "-", ""]
    words = "(hidden)" if cast.words is None else one_line(cast.words, 40)
    again = f" ({'revised' if cast.revision == 1 else f'revised {cast.revision} times'})" if cast.revision else ""
    reason = f': "{one_line(cast.reason, 60)}"' if cast.reason else ""
    return [clean(vote.voter.name), weight, words + again, clean(cast.stands) + reason]


def _result(result: "ResultAnswer", answer: "BallotAnswer") -> None:
    if not answer.drawn:
        say(f"  {result.voted} of {result.people} voted.")
    drawn = bars_of(answer)
    for name, figure, bar in drawn:
        click.echo(f"  {name}  {figure}  {bar}".rstrip())
    # The first sentence says what the bars say.
    explanation = result.explanation[1:] if drawn else result.explanation
    for line in [*explanation, *result.ties]:
        say(f"  {clean(line)}")
    for one in result.classes:
        say(f"  {clean(one.words)}.")
    if result.equal_words:
        say(f"  {clean(result.equal_words)}")
    if result.effect:
        say(f"  In effect since epoch {result.epoch}: {clean(result.effect)}.")
    elif answer.effect_words and result.adopted:
        if result.beyond_recall:
            say(f"  {no_effect(answer)}")
        else:
            say(f"  It takes effect with the next epoch: {clean(answer.effect_words)}.")


def no_effect(answer: "BallotAnswer") -> str:
    """Why what was adopted changes nothing, as a sentence."""
    if answer.weighted and answer.result is not None and answer.result.equal is not None:
        return (
            "It takes no effect: weights that the ballot itself states decide only if the result is the same with one vote "
            "a person, and too few of the whole roll may have been in favour."
        )
    if not answer.question.answers:
        return "It takes no effect: nobody was chosen who could hold the office."
    return "It takes no effect: too few of the whole roll were in favour for what it would change."


def bars_of(answer: "BallotAnswer") -> list[tuple[str, str, str]]:
    """The result's figures as bars of letters: name, figure, bar."""
    import msgspec

    from node.ballots.explained import bars
    from protocol.tellers.question import Question

    result = answer.result
    if result is None or result.result is None:
        return []
    asked = answer.question
    question = Question(asked.rule, asked.options, asked.seats, msgspec.to_builtins(asked.settings))
    rows = bars(question, result.result)
    wide = max((len(one_line(row.name, _WIDEST)) for row in rows), default=0)
    high = max((len(row.figure) for row in rows), default=0)
    return [
        (one_line(row.name, _WIDEST).ljust(wide), row.figure.rjust(high), "█" * round(row.share * _WIDEST))
        for row in rows
    ]
