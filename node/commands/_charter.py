"""A charter from another: what is named changes, the rest stays."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from protocol.council.charter import Charter

__all__ = ["ballot_terms", "ballot_terms_options", "changed", "class_options", "plainly", "terms_words"]

_F = TypeVar("_F", bound=Callable[..., Any])
_BOUND: Final = re.compile(r"Expected `(?:int|(str))`(?: of length)? (<=|>=) (\d+) - at `\$\.([a-z._]+)`")
_FIELDS: Final = {"size.min": "smallest size", "size.max": "largest size", "size.reason": "reason for its size"}
_SPANS: Final = {
    "notice": "How long people can vote at least, such as 1d or 2h; 0 for no such rule.",
    "discussion": "How long a proposal is talked over at least before a ballot on it; 0 for no such rule.",
    "extension": "How much longer a ballot runs when too few tellers were there at its deadline.",
    "grace": "How long tellers wait for each other after a deadline; at least 1s.",
}


def ballot_terms_options(function: _F) -> _F:
    """`--quorum`, `--supporters`, and how long things take."""
    for name, said in reversed(_SPANS.items()):
        function = click.option(f"--{name}", metavar="SPAN", help=said)(function)
    function = click.option(
        "--extensions", type=click.IntRange(0, 10), help="How often a ballot is extended at most; then it lapses."
    )(function)
    function = click.option(
        "--supporters", type=click.IntRange(1, 41), help="How many members must ask for a ballot, its opener included."
    )(function)
    function = click.option(
        "--openers",
        metavar="OFFICE",
        help='Only whoever holds OFFICE opens ballots, while somebody does; "" for everybody.',
    )(function)
    return click.option(
        "--quorum", metavar="SORT:A/B", help="How many must vote in a ballot, such as at_least:1/2 of the roll."
    )(function)


def class_options(function: _F) -> _F:
    """`--class` and `--share`."""
    function = click.option(
        "--share",
        "shares",
        multiple=True,
        metavar="CLASS=A/B",
        help="With --class: the class's share of the whole, such as workers=1/3; votes weigh by it.",
    )(function)
    return click.option(
        "--class",
        "classes",
        multiple=True,
        metavar="CLASS=WHO,WHO",
        help="A class of the roll, which has to adopt a question too. One is named without members: everybody else.",
    )(function)


def ballot_terms(asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The charter's `ballots` and `durations` that these options name; takes them out of `asked`."""
    from node.ballots.durations import seconds_of
    from node.commands._founding import threshold_of

    ballots: dict[str, Any] = {}
    if (quorum := asked.pop("quorum")) is not None:
        ballots["quorum"] = threshold_of(f"quorum={quorum}")[1]
    if (supporters := asked.pop("supporters")) is not None:
        ballots["supporters"] = supporters
    if (openers := asked.pop("openers")) is not None:
        ballots["openers"] = " ".join(openers.split()) or None
    durations: dict[str, Any] = {name: seconds_of(span) for name in _SPANS if (span := asked.pop(name)) is not None}
    if (extensions := asked.pop("extensions")) is not None:
        durations["extensions"] = extensions
    return {"ballots": ballots, "durations": durations}


@contextmanager
def plainly() -> Iterator[None]:
    """Say in a person's words which value a charter cannot have."""
    from node.refused import Refused
    from protocol.errors import Malformed

    try:
        yield
    except Malformed as error:
        found = _BOUND.search(error.message)
        if found is None:
            raise
        text, sign, bound, field = found.groups()
        what = f"the charter's {_FIELDS.get(field, field)}"
        if text:
            words = f"{what} has at most {bound} letters" if sign == "<=" else f"{what} is empty"
        else:
            words = f"{what} is at {'most' if sign == '<=' else 'least'} {bound}"
        raise Refused("charter", f"{words[:1].upper()}{words[1:]}; give another.") from error


def changed(
    old: Mapping[str, Any],
    *,
    name: str | None,
    purpose: str | None,
    smallest: int | None,
    largest: int | None,
    size_reason: str | None,
    visibility: str | None,
    thresholds: Sequence[str],
    motion_epochs: int | None,
    terms: Mapping[str, Mapping[str, Any]],
) -> "Charter":
    """`old` (plain data) with the given changes; `Malformed` says what is wrong with the result."""
    from node.commands._founding import threshold_of
    from protocol.council.charter import parse_charter

    new = dict(old)
    flat = None if name is None else " ".join(name.split())
    for field, value in (("name", flat), ("purpose", purpose), ("visibility", visibility)):
        if value is not None:
            new[field] = value
    size = {"min": smallest, "max": largest, "reason": size_reason}
    new["size"] = {**old["size"], **{key: value for key, value in size.items() if value is not None}}
    if not new["size"].get("reason"):
        # The charter's canonical form leaves an empty reason out.
        new["size"].pop("reason", None)
    new["thresholds"] = {**old["thresholds"], **dict(threshold_of(text) for text in thresholds)}
    for section, values in terms.items():
        # What is None goes: an optional part of the charter is left out.
        new[section] = {key: value for key, value in {**old[section], **values}.items() if value is not None}
    if motion_epochs is not None:
        new["durations"] = {**new["durations"], "motion_epochs": motion_epochs}
    with plainly():
        return parse_charter(new)


def terms_words(charter: Mapping[str, Any], name_of: Callable[[str], str]) -> list[str]:
    """What a charter (plain data) says of ballots, in sentences. name_of: who has a membership, given as text."""
    from node.ballots.classes import classes_words
    from node.ballots.durations import span_words
    from node.ballots.question import share_words

    ballots, spans = charter["ballots"], charter["durations"]
    members = "one member asks" if ballots["supporters"] == 1 else f"{ballots['supporters']} members ask"
    classes = ballots.get("classes")
    divided = "" if classes is None else classes_words(classes, name_of)
    return [
        f"A ballot is opened when {members} for it; {share_words(ballots['quorum'])} of the roll must vote.",
        f"Notice before it closes: {span_words(spans['notice'])}. Discussion of a proposal before: {span_words(spans['discussion'])}.",
        f"Tellers wait {span_words(spans['grace'])} for each other; a ballot is extended by {span_words(spans['extension'])}, "
        f"at most {spans['extensions']} times.",
        *([f"Ballots are opened by whoever holds the office '{ballots['openers']}'."] if "openers" in ballots else []),
        *([f"{divided[:1].upper()}{divided[1:]}."] if divided else []),
    ]
