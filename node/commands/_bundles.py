"""What `moot submit` and `moot bundle read` have in common."""

from typing import TYPE_CHECKING

from node.refused import Refused

if TYPE_CHECKING:
    from node.commands import Caller

__all__ = ["hand_in_and_tell"]


def hand_in_and_tell(caller: "Caller", file: str, as_json: bool) -> None:
    """Hand a bundle or slip in to this home's node, and say what became of it."""
    from node.api.answers import CouncilLine
    from node.commands._carrying import hand_in, open_bundle
    from node.commands._render import clean, count_of, say, say_json, short
    from node.commands._voice import connect

    client = connect(caller)
    with open_bundle(file) as opened:
        done = hand_in(client, opened)
    if done.refused and not done.accepted + done.known:
        raise Refused(done.refused[0].rule or "refused", f"Nothing was taken: {done.refused[0].message}")
    if as_json:
        return say_json(
            {
                "council": done.council,
                "operations": done.operations,
                "accepted": done.accepted,
                "known": done.known,
                "waiting": done.waiting,
                "attachments": done.attachments,
                "refused": done.refused,
            }
        )
    lines = client.get("/v1/councils", list[CouncilLine])
    name = next((clean(line.name) for line in lines if line.council == done.council), short(done.council))
    if done.accepted:
        attached = f" and {count_of(done.attachments, 'large attachment')}" if done.attachments else ""
        say(f"{name}: {count_of(done.accepted, 'new operation')}{attached}, {done.known} known before.")
    elif not done.waiting:
        say(f"{name}: nothing new; {count_of(done.operations, 'operation')} known before.")
    if done.waiting:
        say(
            f"{name}: {count_of(done.waiting, 'operation')} must wait for what was said before and is not here yet. Let this "
            "computer connect, or bring a bundle that has it: 'moot bundle have' prints what to ask for."
        )
    for refused in done.refused:
        say(f"Not taken: {clean(refused.message or refused.rule or '')}")
    return None
