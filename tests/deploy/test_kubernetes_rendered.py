"""What kustomize makes of each overlay: valid, closed, and within the connections there are."""

import re
from typing import Any

import kubernetes_validate
import pytest
from environs import Env

from kit.engine import POOL_SIZE
from kit.settings import Settings
from kit.worker import CONNECTIONS
from tests.deploy.manifests import (
    OVERLAYS,
    Manifest,
    containers,
    is_ours,
    kinds,
    our_pods,
    rendered,
    renderer,
)
from tests.deploy.test_kubernetes import CUSTOM, KUBERNETES_VERSION
from tests.kit.doors import operations

pytestmark = [
    pytest.mark.skipif(renderer() is None, reason="neither kustomize nor kubectl is here"),
    pytest.mark.parametrize("overlay", OVERLAYS),
]
INSIDE = {"/livez", "/readyz", "/metrics"}
DEFAULT_MOST = 100  # max_connections of a PostgreSQL that nobody has told otherwise
SAID = {"prod-split": 200}  # what an overlay asks of an engine that somebody else runs
SPARE = 10  # for people and for what looks after the database, as `shop-api doctor` counts


def settings_of(manifests: list[Manifest]) -> dict[str, str]:
    """Return what the overlay's ConfigMap says."""
    maps = kinds(manifests, "ConfigMap")
    (found,) = [x["data"] for name, x in maps.items() if name.startswith("shop-api-")]
    return dict(found)


def reaches(path: Manifest, address: str) -> bool:
    """Tell whether a path of an Ingress leads to an address."""
    if path["pathType"] == "Exact":
        return bool(path["path"] == address)
    return address == path["path"] or address.startswith(path["path"].rstrip("/") + "/")


def test_is_valid(overlay: str) -> None:
    common = rendered("prod") if overlay.startswith("prod-") else []
    for found in rendered(overlay):
        if found["kind"] not in CUSTOM and found not in common:  # each takes a quarter of a second
            kubernetes_validate.validate(found, KUBERNETES_VERSION, strict=True)


def test_names_what_exists(overlay: str) -> None:
    maps, secrets = kinds(rendered(overlay), "ConfigMap"), kinds(rendered(overlay), "Secret")
    for _, spec in our_pods(rendered(overlay)):
        for container in containers(spec):
            for source in container["envFrom"]:
                if "configMapRef" in source:
                    assert source["configMapRef"]["name"] in maps
                elif overlay == "dev":
                    assert source["secretRef"]["name"] in secrets
                else:
                    assert source["secretRef"]["name"] == "shop-api"


def test_has_settings_that_start(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Env().dump(), "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings_of(rendered(overlay)).items():
        monkeypatch.setenv(name, value)
    if overlay != "dev":
        monkeypatch.setenv("POSTGRES_PASSWORD", "from the secret")
    made = Settings.from_environment()
    assert (made.app_env == "production") == (overlay != "dev")
    assert made.cookie_secure == (overlay != "dev")


def test_shows_clients_everything_but_what_is_for_us(overlay: str) -> None:
    paths: list[Manifest] = [
        path
        for found in kinds(rendered(overlay), "Ingress").values()
        for rule in found["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    for address in {operation.address for operation in operations()} - INSIDE:
        assert any(reaches(path, address) for path in paths), address
    for address in INSIDE:
        assert not any(reaches(path, address) for path in paths), address


def test_has_tls_in_production(overlay: str) -> None:
    for found in kinds(rendered(overlay), "Ingress").values():
        assert ("tls" in found["spec"]) == (overlay != "dev")


def test_seeds_only_where_the_password_may_be_known(overlay: str) -> None:
    assert ("seed" in kinds(rendered(overlay), "Job")) == (overlay == "dev")


def test_denies_what_no_policy_allows(overlay: str) -> None:
    policies = kinds(rendered(overlay), "NetworkPolicy")
    denied = policies["default-deny"]["spec"]
    assert set(denied["policyTypes"]) == {"Ingress", "Egress"}
    assert not denied.keys() & {"ingress", "egress"}
    labels = denied["podSelector"]["matchLabels"].items()
    for found in rendered(overlay):
        if list(our_pods([found])):
            assert labels <= found["spec"]["template"]["metadata"]["labels"].items()


def most_connections(manifests: list[Manifest]) -> int:
    """Return how many connections may be open in the middle of a rollout."""
    workers = int(settings_of(manifests)["WORKERS"])
    scalers = kinds(manifests, "HorizontalPodAutoscaler")
    total = 0
    for name, found in kinds(manifests, "Deployment").items():
        if not list(our_pods([found])):
            continue
        pods = (
            scalers[name]["spec"]["maxReplicas"] if name in scalers else found["spec"]["replicas"]
        )
        pods += 2  # one more that comes, one that goes and has not closed yet
        total += pods * (CONNECTIONS if name == "worker" else POOL_SIZE * workers)
    return total + len(kinds(manifests, "Job"))


def test_leaves_connections_to_spare(overlay: str) -> None:
    clusters: dict[str, Any] = kinds(rendered(overlay), "Cluster")
    said = [x["spec"]["postgresql"]["parameters"]["max_connections"] for x in clusters.values()]
    most = int(said[0]) if said else SAID.get(overlay, DEFAULT_MOST)
    assert most_connections(rendered(overlay)) <= most - SPARE


def test_gives_our_containers_one_image(overlay: str) -> None:
    images = {
        container["image"]
        for _, spec in our_pods(rendered(overlay))
        for container in containers(spec)
        if is_ours(container)
    }
    assert len(images) == 1
    assert re.fullmatch(r"(registry\.example\.com/)?shop-api:\S+", *images)


def test_says_the_port_of_the_worker(overlay: str) -> None:
    ((_, spec),) = [x for x in our_pods(rendered(overlay)) if x[0] == "worker"]
    (container,) = spec["containers"]
    said = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert [str(port["containerPort"]) for port in container["ports"]] == [said["WORKER_PORT"]]
