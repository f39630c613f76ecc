"""A charter from another: what is named changes, the rest stays."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protocol.council.charter import Charter

__all__ = ["changed"]


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
) -> "Charter":
    """`old` (plain data) with the given changes; `Malformed` says what is wrong with the result."""
    from node.commands._founding import threshold_of
    from protocol.council.charter import parse_charter

    new = dict(old)
    for field, value in (("name", name), ("purpose", purpose), ("visibility", visibility)):
        if value is not None:
            new[field] = value
    size = {"min": smallest, "max": largest, "reason": size_reason}
    new["size"] = {**old["size"], **{key: value for key, value in size.items() if value is not None}}
    if not new["size"].get("reason"):
        # The charter's canonical form leaves an empty reason out.
        new["size"].pop("reason", None)
    new["thresholds"] = {**old["thresholds"], **dict(threshold_of(text) for text in thresholds)}
    if motion_epochs is not None:
        new["durations"] = {**old["durations"], "motion_epochs": motion_epochs}
    return parse_charter(new)
