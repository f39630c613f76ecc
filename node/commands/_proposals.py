"""Which version of a proposal is meant."""

from typing import TYPE_CHECKING

from node.refused import Refused

if TYPE_CHECKING:
    from node.api.answers import ProposalAnswer, VersionAnswer

__all__ = ["latest_of", "not_withdrawn", "started_from"]


def not_withdrawn(proposal: "ProposalAnswer") -> None:
    """`Refused` for a proposal that its author withdrew: nothing can be adopted of it any more."""
    from node.commands._render import one_line

    if proposal.state == "withdrawn":
        raise Refused(
            "withdrawn",
            f"'{one_line(proposal.title or '')}' was withdrawn by its author; propose it anew if you want it.",
        )


def latest_of(proposal: "ProposalAnswer") -> "VersionAnswer":
    """The version that no other replaces; `Refused` when people amended the same one at the same time."""
    from node.commands._render import one_line, short

    latest = [version for version in proposal.versions if version.latest]
    if len(latest) > 1:
        listed = ", ".join(f"{short(one.version)} by {one_line(one.author.name, 30)}" for one in latest)
        raise Refused(
            "several-versions",
            f"'{one_line(proposal.title or '')}' has {len(latest)} latest versions ({listed}): name the one you mean by its id.",
        )
    return latest[0]


def started_from(proposal: "ProposalAnswer", version: str) -> "VersionAnswer":
    """The version with that id."""
    return next(one for one in proposal.versions if one.version == version)
