"""The charter: a council's own rules, as data that every node reads alike."""

from fractions import Fraction
from typing import Annotated, Any, Final, Literal

import msgspec

from ..codec import encode
from ..errors import Malformed, Misuse
from ..ids import Digest, digest
from ..tellers.profiles import PROFILES, Profile
from .classes import Classes, check_classes

__all__ = [
    "MAJORITY",
    "MATTERS",
    "PROFILES",
    "RULES",
    "TEMPLATES",
    "Ballots",
    "Charter",
    "Durations",
    "Limits",
    "Profile",
    "Size",
    "Threshold",
    "UnknownRules",
    "parse_charter",
    "template",
]

RULES: Final = frozenset({"folkmoot/1"})
"""The versions of the rules that this program can follow."""
MATTERS: Final = ("admission", "adoption", "charter", "erasure", "rekey", "removal", "tellers")
"""What the members decide by assent; each has a threshold in the charter."""
MAJORITY: Final = frozenset({"charter", "rekey", "removal", "tellers"})
"""Matters whose threshold is always more than half."""
MAX_CHARTER: Final = 8 * 1024
_USUAL: Final = (25, 50)


class UnknownRules(Exception):
    """The charter pins rules that this program does not know: what depends on it must wait."""


class Threshold(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`at_least a/b` or `more_than a/b` of those who count, with 0 < a <= b."""

    sort: Literal["at_least", "more_than"]
    a: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    b: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]

    def met(self, yes: int, of: int) -> bool:
        """Whether `yes` out of `of` is enough; never with nobody in favour."""
        if yes < 1:
            return False
        if self.sort == "at_least":
            return yes * self.b >= of * self.a
        return yes * self.b > of * self.a

    def needed(self, of: int) -> int:
        """The smallest number in favour that is enough out of `of`."""
        exact = Fraction(of * self.a, self.b)
        if self.sort == "at_least":
            return max(1, -(-exact.numerator // exact.denominator))
        return exact.numerator // exact.denominator + 1

    def words(self) -> str:
        """For people: `more than 1/2`."""
        return f"{self.sort.replace('_', ' ')} {self.a}/{self.b}"


class Size(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How many members; outside 25 to 50 a council says why."""

    min: Annotated[int, msgspec.Meta(ge=1, le=500)]
    max: Annotated[int, msgspec.Meta(ge=1, le=500)]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Durations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long things take. Times in seconds; `motion_epochs` counts epochs."""

    motion_epochs: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    discussion: Annotated[int, msgspec.Meta(ge=0, le=31_536_000)] = 3 * 86_400
    notice: Annotated[int, msgspec.Meta(ge=0, le=31_536_000)] = 86_400
    extension: Annotated[int, msgspec.Meta(ge=1, le=31_536_000)] = 86_400
    extensions: Annotated[int, msgspec.Meta(ge=0, le=10)] = 3
    grace: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 10


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much one member may have: devices, nodes; `storage` in bytes for each author."""

    devices: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    nodes: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    storage: Annotated[int, msgspec.Meta(ge=1 << 20, le=1 << 40)] = 1 << 30


class Ballots(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How ballots are opened: how many members must want one (the opener included), how many must vote.

    classes: how every ballot's roll is divided, where it is. openers: the office whose holders open
    ballots; everybody, where none is named, and while nobody holds it.
    """

    supporters: Annotated[int, msgspec.Meta(ge=1, le=41)]
    quorum: Threshold
    classes: Classes | None = None
    openers: Annotated[str, msgspec.Meta(max_length=80)] = ""


class Charter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A council's rules. Canonical bytes: `encode()`; `digest()` names them."""

    version: Literal[1]
    template: Annotated[str, msgspec.Meta(max_length=40)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    purpose: Annotated[str, msgspec.Meta(max_length=2000)]
    visibility: Literal["members", "public", "seats"]
    size: Size
    thresholds: dict[str, Threshold]
    tellers: str
    ballots: Ballots
    durations: Durations
    limits: Limits
    rules: Annotated[list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(min_length=1, max_length=32)]

    def data(self) -> dict[str, Any]:
        """The charter as plain data, the form that operations carry."""
        plain = msgspec.to_builtins(self)
        assert isinstance(plain, dict)
        return plain

    def encode(self) -> bytes:
        """The canonical bytes."""
        return encode(self.data())

    def digest(self) -> Digest:
        """SHA-256 of the canonical bytes."""
        return digest(self.encode())

    def profile(self) -> Profile:
        """The teller profile."""
        return PROFILES[self.tellers]


def parse_charter(data: object) -> Charter:
    """The charter in plain data.

    Raises `Malformed` when it breaks a rule, `UnknownRules` when it pins a version of the
    rules that this program lacks: that is nobody's fault, and whoever meets it must wait.
    """
    if isinstance(data, dict) and isinstance(data.get("rules"), list):
        unknown = [rule for rule in data["rules"] if isinstance(rule, str) and rule not in RULES]
        if unknown:
            raise UnknownRules(", ".join(unknown[:5]))
    try:
        charter = msgspec.convert(data, Charter, strict=True)
    except msgspec.ValidationError as error:
        raise Malformed("charter", f"the charter is not valid: {error}.") from error
    if charter.data() != data:
        raise Malformed("charter", "the charter leaves out a field; every field is written out.")
    _check(charter)
    if len(charter.encode()) > MAX_CHARTER:
        raise Malformed("charter", f"the charter is longer than {MAX_CHARTER} bytes; shorten its texts.")
    return charter


def _check(charter: Charter) -> None:
    size = charter.size
    if not charter.name.strip():
        raise Malformed("charter-name", "the council needs a name.")
    if size.min > size.max:
        raise Malformed(
            "charter-size",
            f"the smallest size of the council, {size.min}, is above its largest, {size.max}; change one of them.",
        )
    if (size.min < _USUAL[0] or size.max > _USUAL[1]) and not size.reason.strip():
        raise Malformed(
            "charter-size",
            f"councils have {_USUAL[0]} to {_USUAL[1]} members; for {size.min} to {size.max} give a reason.",
        )
    if sorted(charter.thresholds) != list(MATTERS):
        raise Malformed("charter-thresholds", f"the charter needs a threshold for each of: {', '.join(MATTERS)}.")
    for matter, threshold in charter.thresholds.items():
        if threshold.a > threshold.b:
            raise Malformed("charter-thresholds", f"the threshold for {matter} is above the whole council.")
        if threshold.sort == "more_than" and threshold.a == threshold.b:
            raise Malformed("charter-thresholds", f"the threshold for {matter} can never be met: more than everybody.")
        half = threshold.a * 2 >= threshold.b if threshold.sort == "more_than" else threshold.a * 2 > threshold.b
        if matter in MAJORITY and not half:
            raise Malformed("charter-thresholds", f"the threshold for {matter} must be more than half of the council.")
    quorum = charter.ballots.quorum
    if quorum.a > quorum.b or (quorum.sort == "more_than" and quorum.a == quorum.b):
        raise Malformed("charter-quorum", "the quorum of ballots can never be met: it is above everybody.")
    if charter.ballots.classes is not None:
        check_classes(charter.ballots.classes)
    if charter.tellers not in PROFILES:
        raise Malformed("charter-tellers", f"teller profiles are {', '.join(PROFILES)}; the charter says otherwise.")


_HALF: Final = ["more_than", 1, 2]
_TWO_THIRDS: Final = ["at_least", 2, 3]
_THRESHOLDS: Final[dict[str, list[Any]]] = {
    "admission": _HALF,
    "adoption": _HALF,
    "charter": _TWO_THIRDS,
    "erasure": _HALF,
    "rekey": _HALF,
    "removal": _TWO_THIRDS,
    "tellers": _HALF,
}
TEMPLATES: Final[dict[str, dict[str, Any]]] = {
    "commune": {
        "visibility": "members",
        "size": {"min": 25, "max": 50},
        "thresholds": _THRESHOLDS,
    },
    "working-group": {
        "visibility": "members",
        "size": {"min": 3, "max": 24, "reason": "a working group: small enough to sit around one table"},
        "thresholds": _THRESHOLDS,
    },
    "federation": {
        "visibility": "seats",
        "size": {"min": 2, "max": 50, "reason": "a federation may begin with the first two councils that join"},
        "thresholds": {**_THRESHOLDS, "admission": _TWO_THIRDS, "adoption": _TWO_THIRDS},
    },
}
"""Charters to start from; `template` completes them."""


def template(kind: str, name: str, purpose: str, **changes: Any) -> Charter:
    """A charter from a shipped template.

    kind: a key of `TEMPLATES`. changes: top-level fields to replace; `thresholds`,
    `ballots`, `durations`, `limits` and `size` are merged into the template's.
    """
    if kind not in TEMPLATES:
        raise Misuse(f"there is no template {kind!r}; there are {', '.join(TEMPLATES)}")
    data: dict[str, Any] = {
        "version": 1,
        "template": kind,
        "name": name,
        "purpose": purpose,
        "tellers": "1",
        "ballots": {"supporters": 1, "quorum": ["at_least", 1, 2]},
        "durations": msgspec.to_builtins(Durations()),
        "limits": msgspec.to_builtins(Limits()),
        "rules": ["folkmoot/1"],
        **TEMPLATES[kind],
    }
    for field, value in changes.items():
        old = data.get(field)
        data[field] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return parse_charter(data)
