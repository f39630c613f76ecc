"""What motions would do and what epochs did, in words and as plain data."""

from collections.abc import Mapping
from typing import Any

from node.api.answers import EffectAnswer
from node.api.deeds import ballot_title
from node.api.names import Names
from node.api.seat_words import SEAT_EFFECTS, seat_effect_words, seat_motion_words
from node.api.texts import version_words
from node.ballots.classes import classes_words
from node.service import Service
from protocol.council.bodies import (
    Admit,
    Adopt,
    CharterChange,
    Effect,
    Elect,
    Erase,
    Move,
    Office,
    Rekey,
    Remove,
    TellersChange,
)
from protocol.council.charter import Charter
from protocol.council.council import Council
from protocol.council.seat_bodies import ElectDelegates
from protocol.errors import Malformed
from protocol.ids import operation_text, parse_operation, peer_text, person_text

__all__ = ["effect_answers", "effect_data", "effect_words", "member_words", "motion_words", "plain"]


def plain(value: Any) -> Any:
    """A body as JSON can carry it: bytes as hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def effect_data(effect: Mapping[str, Any]) -> dict[str, Any]:
    """An effect as JSON can carry it."""
    return {key: plain(value) for key, value in effect.items()}


def _ballot(service: Service, council: Council, effect: Mapping[str, Any]) -> str:
    return ballot_title(service, council, council.box.ballots.get(effect["ballot"]))


def motion_words(
    service: Service,
    council: Council,
    names: Names,
    effect: Effect | Elect | ElectDelegates,
    before: Charter | None = None,
) -> str:
    """What a motion would do, as a phrase that starts with a verb. before: the charter that it was moved under, if not this one."""
    match effect:
        case Admit(request):
            asked = council.pending().requests.get(request)
            who = names.person(request).name if asked is None else names.applicant(request, asked[2].person)
            return f"admit {who}"
        case Remove(membership):
            return f"remove {names.person(membership).name}"
        case Rekey(membership=membership, person=person):
            return f"give {names.person(membership).name} the new key {person_text(person)}"
        case CharterChange(charter, replaces):
            current = before or council.charter
            if replaces == current.digest():
                return f"change the charter: {_changes(names, current.data(), charter)}"
            earlier = next((one for one in reversed(council.charters) if one.digest() == replaces), None)
            changes = "" if earlier is None else f": {_changes(names, earlier.data(), charter)}"
            return f"change a charter that is not in force any more{changes}"
        case TellersChange(profile=profile, tellers=tellers):
            return f"make {_tellers([teller.node for teller in tellers])} the tellers (profile {profile})"
        case Adopt(version=version):
            return f"adopt {version_words(service, council, version)}"
        case Erase(operation, attachment):
            return f"erase attachment {attachment} of what {_author(council, names, operation)} wrote"
        case Office(office, members):
            return f"make {_people(names, members) or 'nobody'} {_office(office)}"
        case Elect(office=office):
            return f"make whoever is chosen {_office(office)}"
        case _:
            return seat_motion_words(council, names.somebody, effect)


def _office(name: str) -> str:
    return f"'{' '.join(name.split())}'"


def _people(names: Names, members: list[bytes]) -> str:
    listed = [names.person(member).name for member in members]
    return " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)


def member_words(names: Names, membership: str) -> str:
    """Who has a membership that is given as text."""
    try:
        return names.person(parse_operation(membership)).name
    except Malformed:
        return "somebody"


def _author(council: Council, names: Names, operation: bytes) -> str:
    return names.person(council.membership_of(operation)).name


def _tellers(nodes: list[bytes]) -> str:
    return ", ".join(peer_text(node) for node in nodes)


def _changes(names: Names, old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> str:
    """The fields in which two charters differ, with both values."""
    out = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if path == "ballots." and key == "classes":
            classes = _classes(names, after)
            out.append("all votes are alike" if classes is None else classes)
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            out.append(_changes(names, before, after, f"{path}{key}."))
        else:
            out.append(f"{path}{key} from {_value(before)} to {_value(after)}")
    return ", ".join(out) or "nothing"


def _classes(names: Names, data: Any) -> str | None:
    """Classes in words, as far as they are well formed: anybody may move anything."""
    try:
        return None if data is None else classes_words(data, lambda member: member_words(names, member))
    except (TypeError, KeyError, IndexError, AttributeError):
        return "classes of the roll that cannot be"


def _value(value: Any) -> str:
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return f"{value[0].replace('_', ' ')} {value[1]}/{value[2]}"
    return repr(value) if isinstance(value, str) else str(value)


def effect_words(service: Service, council: Council, names: Names, effect: Mapping[str, Any]) -> str:
    """What an epoch did, as a sentence without its full stop."""
    kind = effect["kind"]
    if kind == "adopt":
        return f"{version_words(service, council, effect['version'])} was adopted"
    if kind == "charter":
        return "the charter was changed"
    if kind == "tellers":
        how = "the members made" if effect.get("by") == "members" else "the council made"
        return f"{how} {_tellers([teller['node'] for teller in effect['tellers']])} the tellers"
    if kind == "erase":
        return (
            f"attachment {effect['attachment']} of what {_author(council, names, effect['operation'])} wrote was erased"
        )
    if kind == "office":
        members = effect["members"]
        held = "hold" if len(members) > 1 else "holds"
        return f"{_people(names, members) or 'nobody'} {held} the office {_office(effect['office'])} now"
    if kind in SEAT_EFFECTS:
        return seat_effect_words(council, names.somebody, effect)
    if kind == "decision":
        return f"{_ballot(service, council, effect)} is decided"
    if kind == "lapse" and "ballot" in effect:
        return f"{_ballot(service, council, effect)} lapsed: {effect['why']}"
    if kind == "lapse":
        fact = council.motions.get(effect["reason"])
        what = "an act"
        if fact is not None and isinstance(fact.body, Move):
            what = f"the motion to {motion_words(service, council, names, fact.body.effect)}"
        return f"{what} lapsed: {effect['why']}"
    who = names.person(effect["membership"]).name
    said = {
        "admit": "was admitted",
        "remove": "was removed",
        "rekey": "has a new key",
        "leave": "left",
        "absent": "is absent",
        "return": "is back",
        "enrol-device": "enrolled a device",
        "revoke-device": "revoked a device",
        "enrol-node": "enrolled a node",
        "revoke-node": "revoked a node",
    }
    return f"{who} {said.get(kind, kind)}"


def effect_answers(
    service: Service, council: Council, names: Names, effects: tuple[dict[str, Any], ...]
) -> list[EffectAnswer]:
    """The effects of an epoch."""
    return [
        EffectAnswer(
            kind=str(effect["kind"]),
            words=effect_words(service, council, names, effect),
            reason=operation_text(effect["reason"]) if "reason" in effect else None,
            assents=[operation_text(assent) for assent in effect.get("assents", ())],
            details=effect_data({k: v for k, v in effect.items() if k not in ("kind", "reason", "assents")}),
        )
        for effect in effects
    ]
