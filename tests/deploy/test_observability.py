"""What watches the house asks for what it shows, and says what to do about it."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.names import BY_PROMETHEUS, COUNTED, SERIES, TARGET
from tests.deploy.promql import grouping, selectors
from tests.deploy.running import ended

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
RULES, CASES = DEPLOY / "prometheus/alerts.yml", DEPLOY / "prometheus/alerts_test.yml"
DASHBOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
GUIDE = ROOT / "docs/operations.md"

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not here: apt-get install prometheus"
)


@cache
def loaded(path: Path) -> Any:
    return (
        yaml.safe_load(path.read_text()) if path.suffix == ".yml" else json.loads(path.read_text())
    )


def rules(kind: str) -> list[Mapping[str, Any]]:
    """List the rules that have a key: alert or record."""
    return [rule for group in loaded(RULES)["groups"] for rule in group["rules"] if kind in rule]


def panels() -> Iterator[Mapping[str, Any]]:
    for path in DASHBOARDS:
        yield from (panel for panel in loaded(path)["panels"] if panel["type"] != "row")


def expressions() -> list[str]:
    """List what the rules and the panels ask."""
    asked = [rule["expr"] for kind in ("record", "alert") for rule in rules(kind)]
    return asked + [target["expr"] for panel in panels() for target in panel["targets"]]


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's chapters, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


async def run(*command: str | Path) -> str:
    """Run a program that must succeed, and return what it says."""
    code, said = await ended(*command)
    assert code == 0, said
    return said


class TestPrometheus:
    @promtool
    async def test_takes_the_configuration_and_the_rules(self) -> None:
        said = await run("promtool", "check", "config", DEPLOY / "prometheus/prometheus.yml")
        assert f"{len(rules('alert')) + len(rules('record'))} rules found" in said

    @promtool
    async def test_fires_when_it_should_and_not_otherwise(self) -> None:
        assert "SUCCESS" in await run("promtool", "test", "rules", CASES)

    @promtool
    async def test_notices_each_alert_that_never_fires(self, tmp_path: Path) -> None:
        never = json.loads(json.dumps(loaded(RULES)))
        for rule in (rule for group in never["groups"] for rule in group["rules"]):
            if "alert" in rule:
                rule["expr"] = f"({rule['expr']}) and on () (vector(1) < 0)"
        (tmp_path / RULES.name).write_text(yaml.safe_dump(never))
        shutil.copy(CASES, tmp_path)
        with pytest.raises(AssertionError) as failed:
            await run("promtool", "test", "rules", tmp_path / CASES.name)
        missed = set(re.findall(r'alertname=\\"(\w+)', str(failed.value)))
        assert missed == {rule["alert"] for rule in rules("alert")}


class TestAlerts:
    @pytest.mark.parametrize("rule", rules("alert"), ids=lambda rule: str(rule["alert"]))
    def test_say_what_is_wrong_and_what_to_do(self, rule: Mapping[str, Any]) -> None:
        told = rule["annotations"]
        assert {"summary", "runbook", "runbook_url"} == set(told)
        assert all(told[name].endswith(".") for name in ("summary", "runbook"))
        assert rule["labels"]["severity"] in ("critical", "warning")
        page, anchor = told["runbook_url"].split("#")
        assert ROOT / page == GUIDE
        assert anchor == rule["alert"].lower()
        assert anchor in anchors(GUIDE.read_text())

    def test_have_cases_in_which_they_fire_and_ones_in_which_they_do_not(self) -> None:
        firing: dict[str, set[bool]] = {}
        for case in loaded(CASES)["tests"]:
            for asked in case["promql_expr_test"]:
                for name in re.findall(r'alertname="(\w+)"', asked["expr"]):
                    firing.setdefault(name, set()).add(bool(asked["exp_samples"]))
        assert firing == {rule["alert"]: {True, False} for rule in rules("alert")}


class TestNames:
    @pytest.mark.parametrize("expression", expressions())
    def test_are_shown_by_somebody(self, expression: str) -> None:
        recorded = {rule["record"]: TARGET | {"method", "route", "le"} for rule in rules("record")}
        known = {**SERIES, **BY_PROMETHEUS, **recorded}
        asked = list(selectors(expression))
        assert asked
        for name, labels in asked:
            assert name in known
            assert labels <= known[name] | TARGET
        assert grouping(expression) <= TARGET.union(*(known[name] for name, _ in asked))

    def test_are_all_looked_at(self) -> None:
        asked = {name for expression in expressions() for name, _ in selectors(expression)}
        shown = {name for name in COUNTED if any(one.startswith(name) for one in asked)}
        assert shown == set(COUNTED)

    def test_are_explained(self) -> None:
        table = re.findall(r"^\| `([\w]+)(?:\{([\w, ]+)\})?` \|", GUIDE.read_text(), re.MULTILINE)
        assert {name: set(re.findall(r"\w+", labels)) for name, labels in table} == COUNTED

    def test_are_found_in_expressions(self) -> None:
        expression = (
            'sum by (a) (rate(x_total{b="y{", c!~"z"}[5m])) / ignoring (d) m:n > 0 and x offset 5m'
        )
        assert list(selectors(expression)) == [
            ("x_total", {"b", "c"}),
            ("m:n", set()),
            ("x", set()),
        ]
        assert grouping(expression) == {"a", "d"}


class TestDashboards:
    def test_ask_the_datasource_that_is_provisioned(self) -> None:
        sources = loaded(DEPLOY / "grafana/provisioning/datasources/prometheus.yml")
        known = [{"type": x["type"], "uid": x["uid"]} for x in sources["datasources"]]
        assert all(panel["datasource"] in known for panel in panels())

    def test_can_be_provisioned(self) -> None:
        for path in DASHBOARDS:
            board = loaded(path)
            assert board["uid"] == path.stem
            assert "id" not in board
            assert board["schemaVersion"] >= 39
            ids = [panel["id"] for panel in board["panels"]]
            assert len(ids) == len(set(ids))

    def test_do_not_cover_one_panel_with_another(self) -> None:
        for path in DASHBOARDS:
            taken = [spot for panel in loaded(path)["panels"] for spot in spots(panel["gridPos"])]
            assert len(taken) == len(set(taken))
            assert max(x for x, _ in taken) < 24


def spots(grid: Mapping[str, int]) -> Sequence[tuple[int, int]]:
    xs, ys = range(grid["x"], grid["x"] + grid["w"]), range(grid["y"], grid["y"] + grid["h"])
    return [(x, y) for x in xs for y in ys]
