"""Figures for Prometheus, read from the parts themselves when they are asked for.

Nothing is counted twice, no actor is asked by itself, and there is no global registry.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from operator import itemgetter

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from actors.statistics import Load
from domain.presence import State
from server.http.fields import Nothing
from server.http.operator import Kind, supervisors_of
from server.http.route import ANYBODY, OPERATOR, Call, Content, Route
from server.http.site import Site
from server.live import AnySupervisor

PREFIX = "deskbell_"
_MEANING = {
    "messages": "Messages handed to actors",
    "batches": "Batches handed to actors",
    "activations": "Activations",
    "crashes": "Errors and hangs; an actor restarts after one, or is quarantined",
    "restarts": "Actors that were let try again after a crash",
    "dead_letters": "Messages that crashed their actor twice",
    "passivations": "Idle actors let go of",
    "quarantines": "Actors that crashed too often",
    "overloaded": "Messages refused because a mailbox or the limit of actors was full",
    "unanswered": "Messages that their actor did not answer",
}


class NodeCollector(Collector):
    """Reads the figures of a site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        """All metrics, as of now."""
        yield from self._actors()
        yield from self._journal()
        yield from self._people()
        yield from self._edge()
        for name, size in self._site.node.database.statistics().items():
            yield _gauge(name, f"Size of the file: {name.removesuffix('_bytes')}", size)
        if self._site.lag_seconds is not None:
            yield _gauge(
                "event_loop_lag_seconds", "How late a timer fired", self._site.lag_seconds()
            )

    def _actors(self) -> Iterator[Metric]:
        found: dict[Kind, list[AnySupervisor]] = {}
        for live in self._site.node.businesses.values():
            for kind, supervisor in supervisors_of(live):
                found.setdefault(kind, []).append(supervisor)
        gauges = {
            "live_actors": _by_kind(GaugeMetricFamily, "live_actors", "Actors in memory"),
            "quarantined": _by_kind(GaugeMetricFamily, "quarantined_actors", "Out of service"),
            "depth": _by_kind(GaugeMetricFamily, "mailbox_depth", "Messages that wait"),
            "deepest": _by_kind(GaugeMetricFamily, "mailbox_depth_max", "In the fullest mailbox"),
        }
        counters = {
            name: _by_kind(CounterMetricFamily, f"actor_{name}", meaning)
            for name, meaning in _MEANING.items()
        }
        for kind, supervisors in found.items():
            for name, value in _figures([each.load() for each in supervisors]).items():
                gauges[name].add_metric([kind], value)
            totals = Counter[str]()
            for each in supervisors:
                totals.update(asdict(each.totals()))
            for name, family in counters.items():
                family.add_metric([kind], totals[name])
        yield from gauges.values()
        yield from counters.values()

    def _journal(self) -> Iterator[Metric]:
        journal = self._site.node.database.journal.statistics()
        yield _gauge("journal_queue", "Batches that wait to be committed", journal.queued)
        yield _counter("journal_commits", "Transactions", journal.commits)
        yield _counter("journal_batches", "Batches stored", journal.batches)
        yield _counter("journal_events", "Events stored", journal.events)
        yield _counter("journal_isolated", "Groups stored one by one", journal.isolated)
        yield _counter("journal_failed", "Batches that could not be stored", journal.failed)

    def _people(self) -> Iterator[Metric]:
        node = self._site.node
        businesses = list(node.businesses.values())
        yield _gauge("live_businesses", "Businesses with actors", len(businesses))
        sessions = sum(sum(map(len, live.connections.values())) for live in businesses)
        yield _gauge("sessions", "Websockets after their welcome", sessions)
        shown = Counter[State]()
        for live in businesses:
            shown.update(map(itemgetter(0), live.board.shown.values()))
        presence = GaugeMetricFamily(f"{PREFIX}people", "People, by presence", labels=["state"])
        for state in (State.ONLINE, State.AWAY):
            presence.add_metric([state], shown[state])
        yield presence
        yield _counter("fan_out_events", "Events shown to connections", node.fan_out.events)
        yield _counter("deliveries", "Events queued for connections", node.fan_out.deliveries)

    def _edge(self) -> Iterator[Metric]:
        if self._site.edge_statistics is None:
            return
        edge = self._site.edge_statistics()
        yield _gauge("connections_open", "Open connections", edge.open)
        yield _gauge("websockets_open", "Open websockets", edge.websockets)
        yield _gauge("http_open", "Open HTTP connections", edge.http)
        yield _counter("connections_accepted", "Connections accepted", edge.accepted)
        yield _counter("connections_refused", "Connections refused: too many", edge.refused)
        yield _counter("connections_failed", "Connections ended by an error", edge.failed)
        yield _counter("received_bytes", "Bytes received", edge.bytes_received)
        yield _counter("sent_bytes", "Bytes sent", edge.bytes_sent)


def _figures(loads: list[Load]) -> dict[str, int]:
    return {
        "live_actors": sum(load.live for load in loads),
        "quarantined": sum(load.quarantined for load in loads),
        "depth": sum(load.waiting for load in loads),
        "deepest": max(load.deepest for load in loads),
    }


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, meaning, value)


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, meaning, value)


def _by_kind(
    family: type[GaugeMetricFamily] | type[CounterMetricFamily], name: str, meaning: str
) -> GaugeMetricFamily | CounterMetricFamily:
    return family(PREFIX + name, meaning, labels=["kind"])


def metrics_route(site: Site) -> Route[Nothing, Nothing, Content]:
    """`/metrics`: for the operator, or for everybody if the settings say so."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(NodeCollector(site))

    async def metrics(call: Call[Nothing, Nothing]) -> Content:
        """In the text format of Prometheus."""
        return Content(generate_latest(registry), CONTENT_TYPE_LATEST)

    return Route(
        method="GET",
        path="/metrics",
        summary="Figures for Prometheus",
        handler=metrics,
        callers=ANYBODY if site.node.settings.metrics_public else OPERATOR,
        parameters=Nothing,
        body=Nothing,
        answer=Content,
        media_type="text/plain",
    )
