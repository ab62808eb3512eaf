"""What lies below deploy/ is whole and valid, and fits settings, routes and limits of the code."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

import monolith
from kit.server import DRAIN, GRACE
from kit.settings import VERSION
from kit.topics import PARTITIONS
from kit.worker import GRACE as WORKER_GRACE
from tests.deploy.manifests import (
    KUBERNETES,
    ROOT,
    USER,
    containers,
    is_ours,
    kustomizations,
    named_files,
    our_pods,
    renderer,
    setting_names,
    written,
)
from tests.kit.doors import bare_house

KUBERNETES_VERSION = "1.37"
# kinds that an operator adds to a cluster; their schemas do not come with Kubernetes
CUSTOM = {"Cluster", "Kafka", "KafkaNodePool", "KafkaTopic", "PodMonitor"}
SECRET = re.compile(r"PASSWORD|TOKEN|KEY|SMTP_URL|DATABASE_URL")


def literals(folder: Path, generator: str) -> dict[str, str]:
    """Return what the generators of a kustomization say of our settings."""
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())
    pairs = [
        pair.split("=", 1)
        for generated in named.get(generator, [])
        if generated["name"] == "shop-api"
        for pair in generated.get("literals", [])
    ]
    return dict(pairs)


def manifests() -> list[dict[str, Any]]:
    return [found for _, found in written()]


class TestFiles:
    @pytest.mark.parametrize("folder", kustomizations(), ids=lambda x: x.name)
    def test_are_all_named_and_exist(self, folder: Path) -> None:
        there = {path for path in folder.rglob("*") if path.is_file()}
        files = {path for path in named_files(folder) if not path.is_dir()}
        assert files == there

    @pytest.mark.skipif(renderer() is not None, reason="what is rendered is looked at instead")
    def test_are_valid(self) -> None:
        seen = set()
        for path, found in written():
            seen.add(found["kind"])
            if found["kind"] not in CUSTOM:
                assert found.get("apiVersion"), path
                kubernetes_validate.validate(found, KUBERNETES_VERSION, strict=True)
        assert seen >= CUSTOM | {"Deployment", "Job", "NetworkPolicy", "Ingress"}


class TestSettings:
    def test_are_known(self) -> None:
        named = {
            variable["name"]
            for _, spec in our_pods(manifests())
            for container in containers(spec)
            if is_ours(container)
            for variable in container.get("env", [])
        }
        for folder in kustomizations():
            named |= literals(folder, "configMapGenerator").keys()
            named |= literals(folder, "secretGenerator").keys()
        assert named
        assert named <= setting_names()

    def test_that_are_secret_lie_in_no_file_but_for_dev(self) -> None:
        for folder in kustomizations():
            if folder.name != "dev":
                assert "secretGenerator" not in (folder / "kustomization.yaml").read_text()
            assert not [x for x in literals(folder, "configMapGenerator") if SECRET.search(x)]
        for path, found in written():
            assert found["kind"] != "Secret", path
            for _, spec in our_pods([found]):
                for variable in (v for c in containers(spec) for v in c.get("env", [])):
                    assert "valueFrom" in variable or not SECRET.search(variable["name"]), path


class TestTopics:
    def test_are_those_that_the_code_would_make(self) -> None:
        topics = [found for found in manifests() if found["kind"] == "KafkaTopic"]
        assert {found["metadata"]["name"] for found in topics} == set(monolith.TOPICS)
        assert {found["spec"]["partitions"] for found in topics} == {PARTITIONS}


class TestPods:
    @pytest.mark.parametrize("name", sorted({name for name, _ in our_pods(manifests())}))
    def test_may_do_nothing_that_they_need_not(self, name: str) -> None:
        for spec in (spec for found, spec in our_pods(manifests()) if found == name):
            assert spec["securityContext"] == {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            }
            assert spec["automountServiceAccountToken"] is False
            # else a Service called postgres sets POSTGRES_PORT=tcp://...
            assert spec["enableServiceLinks"] is False
            for container in containers(spec):
                assert container["securityContext"] == {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                }
                assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
                assert "memory" in container["resources"]["limits"]

    def test_are_given_the_time_to_stop(self) -> None:
        of_service = [found for found in manifests() if found["kind"] == "Deployment"]
        times = [x["spec"]["template"]["spec"] for x in of_service if list(our_pods([x]))]
        assert len(times) >= 2
        for spec in times:
            assert spec["terminationGracePeriodSeconds"] >= DRAIN + GRACE + 5
            assert spec["terminationGracePeriodSeconds"] >= WORKER_GRACE + 10

    def test_ask_routes_that_exist(self) -> None:
        routes = {resource.canonical for resource in bare_house().router.resources()}
        asked = [
            (container, container[probe]["httpGet"])
            for _, spec in our_pods(manifests())
            for container in spec["containers"]
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
            if probe in container
        ]
        assert len(asked) >= 6
        for container, get in asked:
            assert get["path"] in routes
            assert get["port"] in {port["name"] for port in container["ports"]}

    def test_run_as_the_user_of_the_image(self) -> None:
        dockerfile = ROOT / "Dockerfile"
        if not dockerfile.exists():
            pytest.skip("the image is described elsewhere")
        assert f"USER {USER}" in dockerfile.read_text()

    def test_of_production_carry_the_version_of_the_code(self) -> None:
        for folder in (KUBERNETES / "overlays").glob("prod*"):
            named = yaml.safe_load((folder / "kustomization.yaml").read_text())
            assert {image["newTag"] for image in named.get("images", [])} <= {VERSION}, folder
