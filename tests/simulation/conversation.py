"""Two simulated nodes talk: every frame is encoded, travels, and is decoded on the other side."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from node.frames import Frame, Operations, decode_frame, encode_frame

from .talk import Answering, Report, Save, asking

if TYPE_CHECKING:
    from .node import Node

__all__ = ["Conversation"]


class Conversation:
    """Carries questions and answers between two nodes until one is done, or the line breaks."""

    def __init__(self, asker: "Node", other: "Node") -> None:
        self.between = asker, other
        self.report = Report()
        self._network = asker.simulation.network
        self._steps = asking(asker, other.key, self.report)
        self._answering = Answering(other, asker.key)
        self._begun = False
        self._over = False

    def go_on(self, answers: tuple[Frame, ...]) -> None:
        """Let the asking side do its next step."""
        asker, other = self.between
        try:
            step = self._steps.send(answers) if self._begun else next(self._steps)
        except StopIteration:
            self.end(False)
            return
        self._begun = True
        if isinstance(step, Save):
            asker.take(step.envelopes, other.key, lambda: self._hear(asker, self.go_on, ()))
        else:
            self._say(step.frames, asker, other, self._answer)

    def _answer(self, frames: tuple[Frame, ...]) -> None:
        asker, other = self.between
        self._answering.answer(frames, lambda replies: self._say(replies, other, asker, self.go_on))

    def _say(
        self, frames: tuple[Frame, ...], source: "Node", target: "Node", then: Callable[[tuple[Frame, ...]], None]
    ) -> None:
        if self._over:
            return
        said = [encode_frame(frame) for frame in frames]
        sort = "operations" if any(isinstance(frame, Operations) for frame in frames) else "comparison"
        self._network.say(
            sort,
            source.key,
            target.key,
            sum(len(data) + 4 for data in said),
            lambda: self._hear(target, then, tuple([decode_frame(data) for data in said])),
            lambda: self.end(True),
        )

    def _hear(self, node: "Node", then: Callable[[tuple[Frame, ...]], None], frames: tuple[Frame, ...]) -> None:
        """Go on with `frames` when the node has time, if the line still holds then."""
        node.do(lambda: None if self._over else then(frames))

    def end(self, broken: bool) -> None:
        """Nothing more is said."""
        if not self._over:
            self._over = True
            asker, other = self.between
            asker.simulation.conversed(self, broken)
            asker.asked(other.key, self.report, broken)
