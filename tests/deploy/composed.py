"""The compose file, read as Compose does without an environment."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+):-([^{}]*)\}")

Service = dict[str, Any]


def written() -> dict[str, Any]:
    """Return the file with its variables as they stand there."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def resolved() -> dict[str, Any]:
    """Return the file with the default of each variable."""
    found: dict[str, Any] = _with_defaults(written())
    return found


def _with_defaults(part: Any) -> Any:
    """Compose puts values into text, so what looks like a number or a boolean stays text."""
    if isinstance(part, dict):
        return {name: _with_defaults(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_with_defaults(value) for value in part]
    return VARIABLE.sub(r"\2", part) if isinstance(part, str) else part


def services() -> dict[str, Service]:
    """Return the services, by name."""
    found: dict[str, Service] = resolved()["services"]
    return found


def ours() -> dict[str, Service]:
    """Return the services that run our image."""
    return {name: found for name, found in services().items() if found["image"] == "shop-api"}


def environment(service: Service) -> dict[str, str]:
    """Return the environment of a service as its process has it."""
    named = service.get("environment", {}).items()
    return {name: "" if value is None else str(value) for name, value in named}


def published(service: Service) -> list[str]:
    """Return the ports of a service that are reachable from outside."""
    return [str(port) for port in service.get("ports", [])]


def mounted() -> Iterator[tuple[str, str]]:
    """Return each service with the named volumes that it uses."""
    for name, service in services().items():
        for volume in service.get("volumes", []):
            source = str(volume).split(":")[0]
            if not source.startswith("."):
                yield name, source
