"""Which one is meant: councils, people and operations by name or by the beginning of an id."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import CouncilLine, MemberAnswer, RequestAnswer, Resolved
    from node.client import Client
    from node.commands import Caller

__all__ = [
    "VERSIONS",
    "council_option",
    "mine",
    "pick_council",
    "pick_member",
    "pick_operation",
    "pick_request",
    "wait_options",
]

VERSIONS = ("proposal.open", "proposal.amend")
"""The kinds of operations that are a proposal or a version of one."""

_F = TypeVar("_F", bound=Callable[..., Any])
_T = TypeVar("_T")

council_option = click.option(
    "-c", "--council", "council", metavar="COUNCIL", help="The council, by name or id; not needed if there is only one."
)


def wait_options(what: str) -> Callable[[_F], _F]:
    """`--wait` and `--seconds`, where `what` says what is waited for."""

    def add(function: _F) -> _F:
        function = click.option(
            "--seconds",
            type=click.FloatRange(min=0, min_open=True),
            metavar="N",
            help="With --wait: give up after N seconds (exit code 1).",
        )(function)
        return click.option("--wait", is_flag=True, help=f"Wait until {what}.")(function)

    return add


def pick_council(client: "Client", given: str | None) -> "CouncilLine":
    """The council that `given` names; the only one when it is None."""
    from node.api.answers import CouncilLine

    councils = client.get("/v1/councils", list[CouncilLine])
    if not councils:
        raise Refused(
            "council-none",
            "This node is in no council yet: found one with 'moot council found', or join with a ticket.",
        )
    if given is None:
        if len(councils) > 1:
            names = ", ".join(sorted(line.name for line in councils))
            raise Refused("council-several", f"This node is in several councils ({names}): add -c NAME.")
        return councils[0]
    wanted = given.casefold()
    found = [line for line in councils if line.name.casefold() == wanted]
    found = found or [line for line in councils if _begins(line.council, given)]
    found = found or [line for line in councils if line.name.casefold().startswith(wanted)]
    return _only(
        found,
        Refused(
            "council-unknown",
            f"This node knows no council {given!r}; it knows: {', '.join(sorted(line.name for line in councils))}.",
        ),
        lambda line: f"{line.name} ({line.council})",
        given,
    )


def pick_member(client: "Client", council: str, given: str) -> "MemberAnswer":
    """The member that `given` names: petname, own name, `did:key` or membership, or the beginning of one."""
    from node.api.answers import MemberAnswer

    roll = client.get(f"/v1/councils/{council}/roll", list[MemberAnswer])
    wanted = given.casefold()
    found = [m for m in roll if wanted in {(m.petname or m.name).casefold(), m.name.casefold()}]
    found = found or [m for m in roll if (m.own_name or "").casefold() == wanted]
    found = found or [m for m in roll if _begins_key(m.person, given) or _begins(m.membership, given)]
    found = found or [m for m in roll if m.name.casefold().startswith(wanted)]
    return _only(
        found,
        Refused("member-unknown", f"No member is called {given!r}; 'moot council roll' lists those whom there are."),
        lambda m: f"{m.name} ({m.person})",
        given,
    )


def mine(client: "Client", caller: "Caller", line: "CouncilLine") -> "MemberAnswer":
    """The membership of the person who speaks; `Refused` when she is no member."""
    from node.api.answers import MemberAnswer

    keystore = caller.keystore()
    own = keystore.person(keystore.choose(caller.name))
    roll = client.get(f"/v1/councils/{line.council}/roll", list[MemberAnswer])
    for member in roll:
        if member.person == own.person:
            return member
    raise Refused(
        "not-member",
        f"{own.name} is not a member of {line.name}: join with a ticket, or speak as another with 'moot --as NAME'.",
    )


def pick_request(client: "Client", council: str, given: str) -> "RequestAnswer":
    """The request to join that `given` names: the applicant's name, or the beginning of an id."""
    from node.api.answers import RequestAnswer

    requests = client.get(f"/v1/councils/{council}/requests", list[RequestAnswer])
    wanted = given.casefold()
    found = [one for one in requests if one.name.casefold() == wanted]
    found = found or [one for one in requests if _begins(one.request, given) or _begins_key(one.person, given)]
    found = found or [one for one in requests if one.name.casefold().startswith(wanted)]
    return _only(
        found,
        Refused("request-unknown", f"Nobody called {given!r} asks to join; 'moot admit' lists those who do."),
        lambda one: f"{one.name} ({one.request})",
        given,
    )


def pick_operation(client: "Client", given: str, council: str | None = None, kinds: Sequence[str] = ()) -> "Resolved":
    """The operation that `given` names: an id or its beginning, or a proposal's or ballot's title."""
    from node.api.answers import Resolved

    titled = {kind.partition(".")[0] for kind in kinds} & {"proposal", "ballot"}
    sort = titled.pop() if len(titled) == 1 else None
    found = client.get("/v1/resolve", list[Resolved], what=given, council=council, kind=sort)
    fitting = [one for one in found if not kinds or one.kind in kinds]
    if found and not fitting:
        raise Refused("id-kind", f"{given!r} is a {found[0].kind}; what is wanted here is a {' or '.join(kinds)}.")
    return _only(
        fitting,
        Refused("id-unknown", f"Nothing here has an id or a title that begins with {given!r}."),
        lambda one: f"{one.id} ({one.kind})",
        given,
    )


def _begins(id_text: str, given: str) -> bool:
    """Whether `given` begins an id; the letters that all ids share may be left out."""
    return bool(given) and (id_text.startswith(given) or id_text.removeprefix("bafyrei").startswith(given))


def _begins_key(person: str, given: str) -> bool:
    return len(given) > 4 and (person.startswith(given) or person.removeprefix("did:key:").startswith(given))


def _only(found: Sequence[_T], none: Refused, show: Callable[[_T], str], given: str) -> _T:
    if not found:
        raise none
    if len(found) > 1:
        several = "; ".join(show(one) for one in found[:5])
        raise Refused("ambiguous", f"{given!r} could mean several: {several}. Write more of it.")
    return found[0]
