"""The workflow of the forge tries what `setup.py` promises, by commands that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parent.parent
WORKFLOW = PROJECT / ".github/workflows/ci.yml"
NEWEST = 14  # the minor version of the newest Python that is out


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    """Read the jobs."""
    read = yaml.safe_load(WORKFLOW.read_text())
    assert read["permissions"] == {"contents": "read"}
    found: dict[str, Any] = read["jobs"]
    return found


def steps_of(jobs: dict[str, Any]) -> list[dict[str, Any]]:
    """List the steps of all jobs."""
    return [step for job in jobs.values() for step in job["steps"]]


class TestWorkflow:
    def test_tries_every_python_that_is_promised(self, jobs: dict[str, Any]) -> None:
        promised = re.search(r'python_requires=">=3\.(\d+)"', (PROJECT / "setup.py").read_text())
        assert promised is not None
        expected = [f"3.{minor}" for minor in range(int(promised[1]), NEWEST + 1)]
        assert jobs["test"]["strategy"]["matrix"]["python"] == expected

    def test_calls_targets_that_make_knows(self, jobs: dict[str, Any]) -> None:
        known = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
        scripts = "\n".join(step.get("run", "") for step in steps_of(jobs))
        called = set(re.findall(r"^\s*make ([a-z-]+)", scripts, re.MULTILINE))
        assert {"lint", "test", "test-kafka", "up", "postman"} <= called
        assert called <= known

    def test_bounds_every_job(self, jobs: dict[str, Any]) -> None:
        assert all(0 < job["timeout-minutes"] <= 60 for job in jobs.values())

    def test_uses_only_the_actions_of_the_forge(self, jobs: dict[str, Any]) -> None:
        used = {step["uses"] for step in steps_of(jobs) if "uses" in step}
        assert used
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used), used

    def test_leaves_no_token_behind(self, jobs: dict[str, Any]) -> None:
        checkouts = [s for s in steps_of(jobs) if s.get("uses", "").startswith("actions/checkout")]
        assert len(checkouts) == len(jobs)
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)

    def test_names_files_that_exist(self, jobs: dict[str, Any]) -> None:
        paths = {
            s["with"]["cache-dependency-path"]
            for s in steps_of(jobs)
            if "cache" in s.get("with", {})
        }
        assert paths
        assert all((PROJECT / path).is_file() for path in paths)
