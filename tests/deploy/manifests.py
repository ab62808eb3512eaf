"""The manifests below deploy/, read and rendered, for the tests that look at them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from environs import Env

from kit.settings import read

ROOT = Path(__file__).parent.parent.parent
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = sorted(path.name for path in (KUBERNETES / "overlays").iterdir())
RENDERERS = (["kustomize", "build"], ["kubectl", "kustomize"])

USER = 10001  # of the image

Manifest = dict[str, Any]


def setting_names() -> set[str]:
    """Return the names of all settings."""
    with mock.patch.dict(os.environ):
        os.environ.pop("DATABASE_URL", None)  # its parts are not read beside it
        env = Env()
        read(env)
    return set(env.dump())


def documents(path: Path) -> list[Manifest]:
    """Read the documents of a file; a patch is a list of operations, and none of them."""
    return [found for found in yaml.safe_load_all(path.read_text()) if isinstance(found, dict)]


def kustomizations() -> list[Path]:
    """List the folders that kustomize builds from."""
    return sorted(path.parent for path in KUBERNETES.rglob("kustomization.yaml"))


def written() -> list[tuple[Path, Manifest]]:
    """Return each whole manifest with its file: what lies in resources, no patches."""
    return [
        (path, found)
        for folder in kustomizations()
        for path in resources(folder)
        for found in documents(path)
    ]


def resources(folder: Path) -> list[Path]:
    """Return the files that a kustomization names as resources."""
    (named,) = documents(folder / "kustomization.yaml")
    paths = [(folder / name).resolve() for name in named.get("resources", [])]
    return [path for path in paths if path.is_file()]


def named_files(folder: Path) -> set[Path]:
    """Return every file that a kustomization names."""
    (named,) = documents(folder / "kustomization.yaml")
    names = {folder / "kustomization.yaml"} | {folder / x for x in named.get("resources", [])}
    names |= {folder / patch["path"] for patch in named.get("patches", []) if "path" in patch}
    for generated in named.get("configMapGenerator", []):
        names |= {folder / file.rpartition("=")[2] for file in generated.get("files", [])}
    return names


def renderer() -> list[str] | None:
    """Return the command that renders a kustomization, if this machine has one."""
    return next((command for command in RENDERERS if shutil.which(command[0])), None)


@cache
def rendered(overlay: str) -> list[Manifest]:
    """Render an overlay as `kubectl apply -k` would."""
    command = renderer()
    assert command is not None
    done = subprocess.run(
        [*command, str(KUBERNETES / "overlays" / overlay)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # warnings of what is deprecated
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def pod_specs(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield the name and the pod's specification of whatever runs containers."""
    for found in manifests:
        template = found.get("spec", {}).get("template", {})
        if "containers" in template.get("spec", {}):
            yield found["metadata"]["name"], template["spec"]


def our_pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield the pods that run our image."""
    for name, spec in pod_specs(manifests):
        if any(is_ours(container) for container in spec["containers"]):
            yield name, spec


def containers(spec: Manifest) -> list[Manifest]:
    """Return the containers of a pod, those that come first included."""
    return [*spec.get("initContainers", []), *spec["containers"]]


def is_ours(container: Manifest) -> bool:
    """Tell whether a container runs our image."""
    return str(container["image"]).rpartition("/")[2].partition(":")[0] == "shop-api"


def kinds(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    """Return the manifests of a kind by name."""
    return {x["metadata"]["name"]: x for x in manifests if x["kind"] == kind}
