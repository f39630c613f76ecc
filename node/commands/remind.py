"""`moot remind`: the ballots that somebody has not voted in."""

from typing import TYPE_CHECKING, Any

import click

from node.commands import Caller, json_option, pass_caller
from node.commands._pick import council_option

if TYPE_CHECKING:
    from node.api.answers import CouncilLine
    from node.api.ballot_answers import BallotAnswer

__all__ = ["command"]


@click.command("remind", short_help="See who has not voted yet, and remind them.")
@click.argument("ballot", required=False)
@council_option
@json_option
@pass_caller
def command(caller: Caller, ballot: str | None, council: str | None, as_json: bool) -> None:
    """See which running ballots you have not voted in, and who else has not, with a text to send them.

    Of BALLOT alone, if it is given. JSON: ballots, a list of objects with ballot, title, deadline,
    here (the people of this home who have not voted), missing (list of PersonAnswer), text.
    """
    from node.api.ballot_answers import BallotAnswer, BallotLine
    from node.commands._balloting import pick_ballot
    from node.commands._pick import pick_council
    from node.commands._render import say, say_json
    from node.commands._voice import connect

    client = connect(caller)
    line = pick_council(client, council)
    path = f"/v1/councils/{line.council}"
    if ballot is not None:
        ids = [pick_ballot(client, line.council, ballot)]
    else:
        lines = client.get(f"{path}/ballots", list[BallotLine])
        # Nobody votes where lots are drawn.
        ids = [one.ballot for one in lines if one.state in ("waiting", "open") and not one.drawn]
    keystore = caller.keystore()
    people = [keystore.person(caller.name)] if caller.name is not None else keystore.people()
    home = {person.person: person.name for person in people}
    reminders = [_reminder(client.get(f"{path}/ballots/{id}", BallotAnswer), line, home) for id in ids]
    if as_json:
        return say_json({"ballots": reminders})
    if not reminders:
        say("No ballot is open.")
    for reminder in reminders:
        _tell(reminder)
    return None


def _reminder(answer: "BallotAnswer", line: "CouncilLine", home: dict[str, str]) -> dict[str, Any]:
    missing = [vote.voter for vote in answer.votes if vote.cast is None]
    return {
        "ballot": answer.ballot,
        "title": answer.title,
        "deadline": answer.deadline,
        "here": [home[person.person] for person in missing if person.person in home],
        "missing": missing,
        "text": _text(answer, line, [person.name for person in missing]) if missing else "",
    }


def _text(answer: "BallotAnswer", line: "CouncilLine", names: list[str]) -> str:
    """Something to send to those who have not voted."""
    from node.commands._balloting import left, quoted
    from node.commands._render import one_line, short, when

    listed = ", ".join(one_line(name, 30) for name in names)
    return (
        f"{one_line(line.name)} votes on {quoted(answer.title)} until {when(answer.deadline)} ({left(answer.deadline)}). "
        f"Not heard from yet: {listed}. To vote: moot ballot cast {short(answer.ballot)} {answer.question.how}"
    )


def _tell(reminder: dict[str, Any]) -> None:
    from node.commands._balloting import left, quoted
    from node.commands._render import count_of, indent, say, short

    missing = reminder["missing"]
    head = f"{quoted(reminder['title'])}  {short(reminder['ballot'])}  {left(reminder['deadline'])}"
    if not missing:
        say(f"{head}: everybody has voted.")
        return
    mine = f"; of this home {', '.join(reminder['here'])}" if reminder["here"] else ""
    say(f"{head}: {count_of(len(missing), 'has', 'have')} not voted{mine}.")
    say("  To send to them:")
    say(indent(reminder["text"], 4))
