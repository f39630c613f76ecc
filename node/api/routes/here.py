"""What every route is given: the node that it speaks for."""

from litestar.di import NamedDependency

from node.api.local import Local

__all__ = ["Here"]

Here = NamedDependency[Local]
