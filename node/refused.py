"""An expected no, on its way to the person who asked."""

from protocol.errors import FolkmootError, Refusal

__all__ = ["Refused"]


class Refused(FolkmootError):
    """What was asked cannot be done, and nothing was changed.

    `rule` is a stable short name for machines, `message` one sentence for a person that says
    what to do. The command prints the message and ends with exit code 1.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(rule, message)
        self.rule = rule
        self.message = message

    def __str__(self) -> str:
        return self.message

    @property
    def refusal(self) -> Refusal:
        """The same as a value, for callers that answer rather than raise."""
        return Refusal(self.rule, self.message)
