"""`moot repair`: mend a damaged database."""

import click

from node.commands import Caller, json_option, pass_caller

__all__ = ["command"]


@click.command("repair", short_help="Mend a damaged database.")
@json_option
@pass_caller
def command(caller: Caller, as_json: bool) -> None:
    """Check this home's database, and rebuild it from what holds if anything is wrong.

    The node must be stopped. Every operation that can still be read is checked anew: hash,
    signature, place in the log. What is lost comes back from other members' nodes when the node
    runs again. The damaged file is kept. JSON: damaged, damage (sentences), councils (list of
    council, name (null if nothing of it is left), operations, lost), attachments, attachments_lost,
    kept (the damaged file, or null).
    """
    from node.commands._render import clean, count_of, say, say_json, short
    from node.repair import repair, sentence
    from protocol.ids import operation_text

    found = repair(caller.config())
    lines = [
        (
            operation_text(one.id),
            None if one.council is None else one.council.head.charter.name,
            one.operations,
            one.lost,
            one.fetched,
        )
        for _, one in sorted(found.councils.items())
    ]
    if as_json:
        return say_json(
            {
                "damaged": found.kept is not None,
                "damage": found.damage,
                "councils": [
                    {"council": id, "name": name, "operations": operations, "lost": lost}
                    for id, name, operations, lost, _ in lines
                ],
                "attachments": found.contents,
                "attachments_lost": found.contents_lost,
                "kept": None if found.kept is None else str(found.kept),
            }
        )
    say(sentence(found))
    for id, name, operations, lost, fetched in lines:
        gone = f", {lost} damaged or built on what is gone" if lost else ""
        if name is None:
            say(f"{short(id)}: its beginning is lost, so nothing of it can be checked. {_back(fetched)}")
        else:
            say(f"{clean(name)}: {count_of(operations, 'operation')} checked{gone}.")
    if found.kept is not None:
        say("Start the node: it fetches what is missing from the other members' nodes. 'moot verify' checks a council.")
    return None


def _back(fetched: bool) -> str:
    if fetched:
        return "The node fetches it anew."
    return "Bring a backup back, or fetch it from a member: moot node follow COUNCIL --from ADDRESS"
