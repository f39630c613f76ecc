"""Founding a council anew that split beyond repair: its charter, and a ticket for each of its members."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import MemberAnswer
    from node.commands import Caller
    from node.commands._voice import Voice
    from protocol.council.charter import Charter

__all__ = ["refound"]


def refound(
    caller: "Caller",
    old: str,
    folder: str | None,
    terms: Mapping[str, Mapping[str, Any]],
    asked: dict[str, Any],
    as_json: bool,
) -> None:
    """Found `old` anew with the changes that `asked` names, and tell what came of it."""
    from node.api.answers import CharterAnswer, CouncilAnswer, CouncilLine, MemberAnswer
    from node.commands._charter import changed
    from node.commands._founding import found_with
    from node.commands._pick import pick_council
    from node.commands._render import clean, count_of, say, say_json
    from node.commands._voice import Attached, Voice, connect
    from protocol.council.bodies import Comment
    from protocol.ids import parse_operation, person_text
    from protocol.keys import public_key

    if asked["template"] is not None:
        raise click.UsageError("--from takes the old council's charter; leave --template out.")
    client = connect(caller)
    line = pick_council(client, old)
    path = f"/v1/councils/{line.council}"
    before = client.get(path, CouncilAnswer)
    rules = dict(client.get(f"{path}/charter", CharterAnswer).charter)
    roll = client.get(f"{path}/roll", list[MemberAnswer])
    # They name memberships of the old council, which nobody has in the new one.
    divided = "classes" in rules["ballots"]
    rules["ballots"] = {name: value for name, value in rules["ballots"].items() if name != "classes"}

    def charter(profile: str) -> "Charter":
        rules["tellers"] = profile
        return changed(
            rules,
            name=asked["name"],
            purpose=asked["purpose"],
            smallest=asked["smallest"],
            largest=asked["largest"],
            size_reason=asked["reason"],
            visibility=asked["visibility"],
            thresholds=asked["thresholds"],
            motion_epochs=None,
            terms=terms,
        )

    if folder is not None:
        _prepare(Path(folder))
    who = ("nonce", "tellers", "as_name", "no_node", "passphrase_fd")
    founded = found_with(caller, charter, **{name: asked[name] for name in who})
    lines = client.get("/v1/councils", list[CouncilLine])
    new = next(one for one in lines if one.council == founded.council)
    (me,) = client.get(f"/v1/councils/{new.council}/roll", list[MemberAnswer])
    voice = Voice(client, new, me, founded.name, founded.secrets)
    attached = Attached.none()
    text = (
        f"This council founds {line.name} ({line.council}) anew, as its node here had it at epoch {before.epoch} "
        f"({before.epoch_digest}), with the charter of that epoch."
    )
    voice.say("comment.write", Comment(parse_operation(new.council), attached.add(text)), attached, [new.council])
    person = person_text(public_key(founded.secrets.person_seed))
    tickets = [(member, _ticket(voice)) for member in roll if member.person != person]
    names = [] if folder is None else _write(Path(folder), tickets)
    answer = client.get(f"/v1/councils/{new.council}", CouncilAnswer)
    if as_json:
        return say_json(
            {
                "council": answer.council,
                "name": answer.name,
                "forming": answer.forming,
                "smallest": answer.smallest,
                "members": answer.members,
                "tickets": [{"name": m.name, "person": m.person, "ticket": ticket} for m, ticket in tickets],
            }
        )
    say(f"You founded '{clean(answer.name)}' anew: {answer.council}")
    say(f"The old one stays as it is: {line.council}")
    if divided:
        say("Its roll was divided into classes, which name memberships: divide the new one with 'moot motion charter'.")
    if not tickets:
        say("Nobody else was on its roll. Invite others: moot invite")
    elif folder is not None:
        say(f"{count_of(len(tickets), 'ticket')} in {folder}, each for one person: {', '.join(names)}")
    else:
        for member, ticket in tickets:
            say(f"{clean(member.name)}: {ticket}")
    if tickets:
        say("Send everybody her own. Who joins shows up in 'moot admit'; compare the key with the old roll's.")
    return None


def _ticket(voice: "Voice") -> str:
    from node import ticket as tickets
    from node.commands._passing import ticket_for

    return tickets.ticket_text(ticket_for(voice, 1, None)[1])


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise Refused("file", f"{folder} cannot be made ({fault.strerror}).") from fault
    if any(folder.glob("*.ticket")):
        raise Refused("file", f"There are tickets in {folder} already; name another folder.")


def _write(folder: Path, tickets: "list[tuple[MemberAnswer, str]]") -> list[str]:
    """Each ticket in a file of its own; gives the files' names."""
    names: list[str] = []
    for member, ticket in tickets:
        plain = re.sub(r"[^\w-]+", "-", member.name).strip("-")[:40] or "member"
        name = f"{plain}.ticket"
        number = 2
        while name in names:
            name, number = f"{plain}-{number}.ticket", number + 1
        try:
            (folder / name).write_text(f"{ticket}\n")
        except OSError as fault:
            raise Refused(
                "file",
                f"{folder / name} cannot be written ({fault.strerror}). The council is founded; make tickets with 'moot invite'.",
            ) from fault
        names.append(name)
    return names
