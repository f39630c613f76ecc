"""What all bodies have in common."""

from typing import Annotated, Any, Final

import msgspec

from ..log.operation import MAX_CONTENTS

__all__ = ["LATEST", "Addresses", "Body", "Bytes32", "Index", "Signature", "Time"]

LATEST: Final = (1 << 63) - 1
Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
Index = Annotated[int, msgspec.Meta(ge=0, lt=MAX_CONTENTS)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Addresses = Annotated[list[Address], msgspec.Meta(max_length=16)]
Time = Annotated[int, msgspec.Meta(ge=0, le=LATEST)]
"""Milliseconds since 1970."""


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Common to all bodies: canonical, nothing unknown, absent fields left out."""

    def data(self) -> dict[str, Any]:
        """The body as the plain map that an operation carries."""
        plain = _lists(msgspec.to_builtins(self, builtin_types=(bytes,)))
        assert isinstance(plain, dict)
        return plain


def _lists(value: Any) -> Any:
    """The same with lists for tuples, of which the format knows none."""
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value
