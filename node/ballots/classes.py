"""Classes of the roll as people put them on the command line, and as they are told."""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from node.refused import Refused

__all__ = ["classes_of", "classes_words"]


def classes_of(given: Sequence[str], shares: Sequence[str], member_of: Callable[[str], str]) -> dict[str, Any] | None:
    """What `--class NAME=WHO,WHO`, `--class NAME` and `--share NAME=1/3` say, as plain data; None without any.

    member_of: somebody's membership as text. Raises `Refused` with what to write instead.
    """
    parts = dict(map(_share, shares))
    named: dict[str, dict[str, Any]] = {}
    for text in given:
        name, sign, members = (part.strip() for part in text.partition("="))
        name = " ".join(name.split())
        if not name or (sign and not members):
            raise Refused("ballot-class", f"{text!r} is no class; write it like --class workers=ana,ben.")
        if name in named:
            raise Refused("ballot-class", f"The class {name!r} is named twice; put all its members into one --class.")
        listed = sorted(member_of(who.strip()) for who in members.split(",") if who.strip())
        named[name] = {"name": name, **({"members": listed} if listed else {})}
    if not named:
        if parts:
            raise Refused("ballot-class", "A share is one of a class: name the classes with --class.")
        return None
    if set(parts) - set(named):
        raise Refused("ballot-class", f"There is no class {sorted(set(parts) - set(named))[0]!r} to have a share.")
    for name, share in parts.items():
        named[name]["share"] = share
    return _checked({"by": "shares" if parts else "each", "of": [named[name] for name in sorted(named)]})


def _share(text: str) -> tuple[str, list[int]]:
    name, _, value = text.rpartition("=")
    match = re.fullmatch(r"\s*(\d{1,7})\s*/\s*(\d{1,7})\s*", value, re.ASCII)
    if not name.strip() or match is None or not int(match[1]) or not int(match[2]):
        raise Refused("ballot-share", f"{text!r} is no share; write it like --share workers=1/3.")
    share = Fraction(int(match[1]), int(match[2]))
    return " ".join(name.split()), [share.numerator, share.denominator]


def _checked(data: dict[str, Any]) -> dict[str, Any]:
    import msgspec

    from protocol.council.classes import Classes, check_classes
    from protocol.errors import Malformed

    rest = [one["name"] for one in data["of"] if "members" not in one]
    if len(rest) != 1:
        raise Refused(
            "ballot-class",
            "One class is named without members, such as --class users: everybody else is in it.",
        )
    try:
        check_classes(msgspec.convert(data, Classes, strict=True))
    except (Malformed, msgspec.ValidationError) as fault:
        words = str(fault)
        raise Refused("ballot-class", f"The roll cannot be divided like that: {words}") from fault
    return data


def classes_words(data: Mapping[str, Any], name_of: Callable[[str], str]) -> str:
    """Classes (plain data) in a sentence without its full stop. name_of: who has a membership, given as text."""
    named = []
    for one in data["of"]:
        who = ", ".join(name_of(member) for member in one.get("members", ())) or "everybody else"
        share = f", {one['share'][0]}/{one['share'][1]} of the whole" if one.get("share") else ""
        named.append(f"{one['name']} ({who}{share})")
    how = "votes weigh by the shares of classes" if data["by"] == "shares" else "each class must adopt it too"
    return f"{how}: {'; '.join(named)}"
