"""What a reader makes of an election file: its ballots, in every form a rule can count."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.counting.ballots import Election

__all__ = ["ElectionFile"]


@dataclass(frozen=True, slots=True)
class ElectionFile:
    """An election from elsewhere.

    ``elections`` holds the same ballots in each form that they can be counted in, the
    format's own form first: an ordinal budget file is a budget and a ranked election.
    ``seats`` is None when the file does not say. ``unranked_last`` is what the file, or
    its format, says about candidates whom a ranking leaves out; it concerns only rules
    that compare pairs. ``notes`` are sentences for a person on what was odd but readable.
    """

    format: str
    elections: tuple[Election, ...]
    seats: int | None = None
    unranked_last: bool = True
    notes: tuple[str, ...] = ()
