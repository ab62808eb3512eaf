"""What the tests of metrics share: a scrape, read by the library's own parser."""

from collections.abc import Mapping
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families

from kit import metrics
from tests.support.clients import Client

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


class Scraped:
    """Hold what one scrape has shown."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples: Samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def of(self, name: str, **labels: str) -> float | None:
        """Return a value, None when there is none."""
        return self._samples.get((name, frozenset(labels.items())))

    def count(self, name: str, **labels: str) -> float:
        """Return the value of a counter, 0 when nothing was counted yet."""
        return self.of(name, **labels) or 0.0

    def labels(self, name: str, label: str) -> set[str]:
        """Return all values of a label."""
        return {dict(labels)[label] for found, labels in self._samples if found == name}


def here() -> Scraped:
    """Return what this process has counted, without a server."""
    return Scraped(metrics.exposition("", [])[0].decode())


async def scrape(client: Client) -> Scraped:
    """Scrape a house of this process."""
    async with client.get("/metrics") as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        return Scraped(await response.text())


def scraped(url: str) -> Scraped:
    """Scrape a process over a connection of its own, so that any worker may answer."""
    with urlopen(Request(f"{url}/metrics", headers={"Connection": "close"}), timeout=10) as answer:
        return Scraped(answer.read().decode())
