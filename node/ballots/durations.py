"""Spans of time and deadlines as people write them."""

import re
from datetime import datetime, timedelta
from typing import Final

from node.refused import Refused

__all__ = ["deadline_of", "seconds_of", "span_words"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_NAMES: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_FORMS: Final = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


def seconds_of(text: str) -> int:
    """`90s`, `2h`, `1d12h` or `0` in seconds; `Refused` for anything else."""
    flat = "".join(text.split()).casefold()
    if flat == "0":
        return 0
    parts = re.findall(r"(\d{1,6})([smhdw])", flat)
    if not parts or "".join(number + unit for number, unit in parts) != flat:
        raise Refused("duration", f"{text!r} is no span of time; write it like 90s, 30m, 2h, 3d or 1d12h.")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def deadline_of(within: str | None, until: str | None, now: int) -> int:
    """The deadline, ms since 1970, from a span or from a local time; now: ms."""
    if within is not None:
        return now + seconds_of(within) * 1000
    assert until is not None
    for form in _FORMS:
        try:
            at = datetime.strptime(until.strip(), form).astimezone()
        except ValueError:
            continue
        return round(at.timestamp() * 1000)
    try:
        zoned = datetime.fromisoformat(until.strip())
    except ValueError:
        zoned = None
    if zoned is None or zoned.tzinfo is None:
        raise Refused("deadline", f"{until!r} is no date and time; write it like 2026-12-01 20:00.")
    return round(zoned.timestamp() * 1000)


def span_words(seconds: float) -> str:
    """A span for people, in its two largest units: `2 days 3 hours`."""
    left = timedelta(seconds=max(0, round(seconds))).total_seconds()
    out = []
    for name, size in _NAMES:
        number = int(left // size)
        left -= number * size
        if number:
            out.append(f"{number} {name}{'' if number == 1 else 's'}")
        if out and (len(out) == 2 or not number):
            break
    return " ".join(out) or "no time"
