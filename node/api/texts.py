"""What people wrote, read back from attachments: texts, titles, files, and what became of them."""

from typing import Literal

from node.api.answers import FileAnswer
from node.service import Service
from protocol.council.council import Council
from protocol.council.talk import Proposal, Version

__all__ = ["content_state", "file", "text", "title", "version_number", "version_words"]


def text(service: Service, council: Council, operation: bytes, index: int | None) -> str | None:
    """An attachment as text; None where there is none, or not here."""
    if index is None:
        return None
    content = service.content(council.id, operation, index)
    return None if content is None else content.data.decode("utf-8", "replace")


def content_state(
    service: Service, council: Council, operation: bytes, index: int
) -> Literal["here", "fetching", "erased"]:
    """Whether an attachment is here, erased, or still to be fetched from a peer."""
    if index in council.erased(operation):
        return "erased"
    return "fetching" if service.content(council.id, operation, index) is None else "here"


def file(service: Service, council: Council, operation: bytes, index: int) -> FileAnswer:
    """An attached file."""
    envelope = service.envelope(council.id, operation)
    size = 0 if envelope is None else envelope.operation.contents[index].size
    return FileAnswer(index=index, size=size, state=content_state(service, council, operation, index))


def title(service: Service, council: Council, proposal: Proposal, version: Version | None = None) -> str | None:
    """A proposal's title: as of `version`, else as of the adopted or the latest one; the nearest one that has one."""
    versions = proposal.versions
    if version is None:
        adopted = council.head.adopted.get(proposal.id)
        version = versions.get(adopted.version) if adopted is not None else None
    if version is None:
        version = proposal.latest()[-1]
    while version.body.title is None and version.replaces in versions:
        version = versions[version.replaces]
    written = text(service, council, version.id, version.body.title)
    return None if written is None else " ".join(written.split())


def version_number(proposal: Proposal, version: bytes) -> int:
    """The place of a version in the order of the log, from 1; 0 when it is not here."""
    return next((number for number, v in enumerate(proposal.ordered(), start=1) if v.id == version), 0)


def version_words(service: Service, council: Council, version: bytes) -> str:
    """A version of a text as people name it: `version 2 of 'Heat the hall'`."""
    proposal = council.talk.proposals.get(council.talk.proposal_of.get(version, b""))
    if proposal is None:
        return "a text that is not here"
    named = title(service, council, proposal, proposal.versions.get(version)) or "a proposal without a title"
    return f"version {version_number(proposal, version)} of '{named}'"
