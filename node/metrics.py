"""What the node tells whoever watches it: Prometheus metrics, gathered when they are asked for.

Nothing is measured in between, so being watched costs nothing. The names are in
docs/reference/metrics.md and do not change.
"""

import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from node.frames import VERSION
from protocol.ids import operation_text

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from node.api.local import Local

__all__ = ["CONTENT_TYPE", "exposition", "installed"]

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def installed() -> str:
    """The version of Folkmoot that runs here."""
    try:
        return version("folkmoot")
    except PackageNotFoundError:
        return "unknown"  # run from a checkout that nobody installed


def exposition(local: "Local") -> bytes:
    """All metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Node(local))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Node:
    def __init__(self, local: "Local") -> None:
        self._local = local

    def collect(self) -> "Iterator[Metric]":
        """Every metric of the node."""
        local = self._local
        yield _gauge("folkmoot_info", "Always 1.", 1, version=installed(), protocol=str(VERSION))
        yield _gauge("folkmoot_start_time_seconds", "When the node started, since 1970.", local.started / 1000)
        yield _gauge("folkmoot_peers_connected", "Peers that are connected.", len(local.network.connected()))
        yield _gauge("folkmoot_peers_known", "Peers whose addresses are known.", len(local.network.known()))
        yield _gauge("folkmoot_peers_kept_away", "Peers that are kept away.", len(local.network.kept_away()))
        yield _gauge("folkmoot_storage_bytes", "Bytes of the database.", local.service.disk_bytes())
        yield _gauge("folkmoot_disk_free_bytes", "Free bytes on its disk.", shutil.disk_usage(local.config.home).free)
        yield _gauge("folkmoot_clock_doubtful", "1 while the clock is not believed.", local.clock.doubt() is not None)
        yield _gauge("folkmoot_joining", "Requests to join that are not settled.", len(local.service.asked()))
        saved = CounterMetricFamily("folkmoot_operations_saved", "Operations saved since the start.", labels=["source"])
        for source in ("here", "peer"):
            saved.add_metric([source], local.tally.saved_from[source])
        yield saved
        yield CounterMetricFamily(
            "folkmoot_lacking", "How often something came that builds on what is not here.", local.tally.lacked
        )
        yield from self._councils()

    def _councils(self) -> "Iterator[Metric]":
        said = {
            "operations": "Operations that are kept.",
            "epoch": "The number of the epoch.",
            "members": "Members on the roll.",
            "rivals": "Operations of other branches, kept as proof.",
            "teller_waiting": "1 while this node is a teller and signs nothing.",
        }
        families = {
            name: GaugeMetricFamily(f"folkmoot_council_{name}", words, labels=["council"])
            for name, words in said.items()
        }
        service = self._local.service
        for id, council in sorted(service.councils.items()):
            teller = any(each.key == service.teller for each in council.head.tellers)
            waiting = teller and self._local.teller.silent(id) is not None
            values = {
                "operations": len(council),
                "epoch": council.head.number,
                "members": len(council.head.members),
                "rivals": len(service.rivals(id)),
                "teller_waiting": int(waiting),
            }
            for name, value in values.items():
                families[name].add_metric([operation_text(id)], value)
        yield from families.values()


def _gauge(name: str, words: str, value: float, **labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family
