"""Run a Kafka-protocol broker in memory: about 5 MB a partition, all forgotten at its end."""

import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL, POINTER, c_char_p, c_int, c_int16, c_int32, c_size_t, c_void_p
from importlib.machinery import PathFinder
from typing import Any

from embedded.errors import EmbeddedError

PACKAGE = "confluent_kafka"
EXTENSION = "cimpl"  # the module of the package that is linked with librdkafka
INSTEAD = "set KAFKA_BOOTSTRAP_SERVERS."
PRODUCER = 0
EVERY_BROKER = -1
JOIN_MILLISECONDS = 0  # else a new group waits 3 s for more members
BREATH = 0.001  # seconds; an order right after another one is not noticed for a whole second

# What is used of rdkafka.h and rdkafka_mock.h: the result and the arguments.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "rd_kafka_conf_new": (c_void_p, []),
    "rd_kafka_conf_set_log_cb": (None, [c_void_p, c_void_p]),
    "rd_kafka_new": (c_void_p, [c_int, c_void_p, c_char_p, c_size_t]),
    "rd_kafka_destroy": (None, [c_void_p]),
    "rd_kafka_mock_cluster_new": (c_void_p, [c_void_p, c_int]),
    "rd_kafka_mock_cluster_bootstraps": (c_char_p, [c_void_p]),
    "rd_kafka_mock_cluster_destroy": (None, [c_void_p]),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [c_void_p, c_int32]),
    "rd_kafka_mock_broker_set_down": (c_int, [c_void_p, c_int32]),
    "rd_kafka_mock_broker_set_up": (c_int, [c_void_p, c_int32]),
    "rd_kafka_mock_broker_set_rtt": (c_int, [c_void_p, c_int32, c_int]),
    "rd_kafka_mock_push_request_errors_array": (
        None,
        [c_void_p, c_int16, c_size_t, POINTER(c_int)],
    ),
}


class Broker:
    """Hold the address of a running broker and bring it into trouble when a test wants that."""

    def __init__(self, library: CDLL, cluster: int) -> None:
        self.address: str = library.rd_kafka_mock_cluster_bootstraps(cluster).decode()
        self._library = library
        self._cluster: int | None = cluster

    def take_down(self) -> None:
        """Cut every connection and refuse new ones; what is stored stays."""
        self._order("rd_kafka_mock_broker_set_down", EVERY_BROKER)

    def bring_up(self) -> None:
        """Accept connections again, at the same address."""
        self._order("rd_kafka_mock_broker_set_up", EVERY_BROKER)

    def slow_down(self, milliseconds: int) -> None:
        """Delay every answer from now on; 0 ends it."""
        self._order("rd_kafka_mock_broker_set_rtt", EVERY_BROKER, milliseconds)

    def fail(self, api_key: int, *codes: int) -> None:
        """Answer the next requests of an API with error codes, one each; -195 hangs up instead."""
        errors = (c_int * len(codes))(*codes)
        self._order("rd_kafka_mock_push_request_errors_array", api_key, len(codes), errors)

    def _end(self) -> None:
        self._order("rd_kafka_mock_cluster_destroy")
        self._cluster = None

    def _order(self, name: str, *arguments: Any) -> None:
        if self._cluster is None:  # its memory is gone: the process would crash
            raise EmbeddedError("The embedded Kafka has ended: use the broker inside its block.")
        time.sleep(BREATH)
        getattr(self._library, name)(self._cluster, *arguments)


@contextmanager
def server() -> Iterator[Broker]:
    """Run a broker that speaks Kafka's protocol for as long as the block lasts.

    Its threads are this process's own, so it cannot outlive it.

    Raises:
        EmbeddedError: there is none for this platform.
    """
    library = _load()
    quiet = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set_log_cb(quiet, None)
    owner = library.rd_kafka_new(PRODUCER, quiet, None, 0)
    if owner is None:
        raise _unfit()
    try:
        cluster = library.rd_kafka_mock_cluster_new(owner, 1)
        if cluster is None:
            raise _unfit()
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, JOIN_MILLISECONDS)
        broker = Broker(library, cluster)
        try:
            yield broker
        finally:
            broker._end()
    finally:
        library.rd_kafka_destroy(owner)


def _load() -> CDLL:
    """Open the extension: it leads to librdkafka wherever its wheel, or the system, has put it."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None:
        raise EmbeddedError(
            f"The package {PACKAGE} is not installed (not every platform has a wheel): {INSTEAD}"
        )
    extension = PathFinder.find_spec(EXTENSION, package.submodule_search_locations)
    if extension is None or extension.origin is None:
        raise _unfit()
    try:
        library = CDLL(extension.origin)
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise _unfit() from error
    return library


def _unfit() -> EmbeddedError:
    return EmbeddedError(f"The embedded Kafka does not run on this platform: {INSTEAD}")
