"""Why an effect that is due does not take place."""

__all__ = ["Lapse"]


class Lapse(Exception):
    """The effect does not fit any more; the text says why."""
