"""What lies in deploy/stack.yml fits the settings and limits of the code."""

from typing import Any

import yaml

from kit.server import DRAIN, GRACE
from kit.settings import VERSION
from tests.deploy.manifests import (
    KUBERNETES,
    ROOT,
    USER,
    containers,
    documents,
    pod_specs,
    resources,
    setting_names,
)

STACK = ROOT / "deploy" / "stack.yml"
OUR_IMAGE = f"${{IMAGE:-shop-api:{VERSION}}}"


def stack(image: str) -> list[dict[str, Any]]:
    """Return the services of the stack whose image has this in its name."""
    services = yaml.safe_load(STACK.read_text())["services"].values()
    return [service for service in services if image in service["image"]]


class TestStack:
    def test_names_settings_that_are_known_and_no_password(self) -> None:
        for service in stack("shop-api"):
            assert service["environment"].keys() <= setting_names()
            assert not [x for x in service["environment"] if "PASSWORD" in x]

    def test_gives_ours_the_time_to_stop_and_nothing_that_they_need_not(self) -> None:
        assert len(stack("shop-api")) == 3
        for service in stack("shop-api"):
            assert int(service["stop_grace_period"].removesuffix("s")) >= DRAIN + GRACE + 5
            assert service["user"] == f"{USER}:{USER}"
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]

    def test_publishes_only_web(self) -> None:
        services = yaml.safe_load(STACK.read_text())["services"]
        assert [name for name, service in services.items() if "ports" in service] == ["web"]

    def test_runs_the_engines_that_dev_runs(self) -> None:
        folder = KUBERNETES / "components" / "servers"
        engines = [found for path in resources(folder) for found in documents(path)]
        images = {c["image"] for _, spec in pod_specs(engines) for c in containers(spec)}
        assert images == {service["image"] for service in stack("")} - {OUR_IMAGE}
