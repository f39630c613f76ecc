"""What all answers of the API are."""

import msgspec

__all__ = ["Answer"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Common to all answers."""
