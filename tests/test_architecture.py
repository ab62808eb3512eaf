"""The house keeps its shape: contracts of imports, small files, declared endpoints, indexes."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import hdrs
from sqlalchemy import Table

from kit.db import Base
from kit.endpoint import Endpoint
from tests.kit.doors import bare_house, operations

ROOT = Path(__file__).parent.parent
DOMAINS = ["users", "shop", "applications", "friends", "picnic"]
PACKAGES = ["kit", *DOMAINS, "seed", "embedded", "migrations", "cli", "tests"]
LONGEST_FILE, LONGEST_FUNCTION = 200, 40  # lines
ROOMS = [
    "schemas.py",
    "views",
    "views.py",
    "service",
    "repository",
    "entities.py",
    "errors.py",
    "events.py",
]

BROKEN = {
    "1. a domain imports another": ("shop/entities.py", "import users.entities", "1."),
    "1. a domain imports another by way of the kit": ("kit/pages.py", "import users.errors", "1."),
    "2. kit imports a domain": ("kit/cache_of_test.py", "import shop.errors", "2."),
    "2. kit imports the monolith": ("kit/cache_of_test.py", "import monolith", "2."),
    "3. a service knows schemas": ("users/service/profiles.py", "import users.schemas", "3."),
    "3. a repository knows its service": ("shop/repository/carts.py", "import shop.service", "3."),
    "3. a view knows the addresses": ("users/views/profiles.py", "import users.app", "3."),
    "4. a service knows HTTP": ("users/service/profiles.py", "import aiohttp.web", "4."),
    "4. a service in a folder does": ("shop/service/carts.py", "from aiohttp import web", "4."),
    "4. a repository checks forms": ("shop/repository/carts.py", "import marshmallow", "4."),
    "4. entities parse requests": ("shop/entities.py", "import webargs", "4."),
    "4. errors know Kafka": ("users/errors.py", "import aiokafka", "4."),
}


def lint(folder: Path) -> tuple[int, str]:
    """Run import-linter in a folder; return its exit code and what it says."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache", "--no-logo"],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy what the contracts are about."""
    for package in PACKAGES[:-1]:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pyc*")
        )
    for name in ("monolith.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


class TestContracts:
    def test_are_kept(self) -> None:
        code, said = lint(ROOT)
        assert code == 0, said
        assert "4 kept, 0 broken" in said

    @pytest.mark.parametrize("what", BROKEN)
    def test_notice_when(self, copy: Path, what: str) -> None:
        path, line, contract = BROKEN[what]
        file = copy / path
        before = file.read_text() if file.exists() else '"""Break a rule."""\n'
        file.write_text(f"{before}\n{line}\n")
        code, said = lint(copy)
        assert code == 1, said
        broken = {line[:2] for line in said.splitlines() if line.endswith(" BROKEN")}
        assert contract in broken, said

    def test_name_every_domain(self) -> None:
        contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
        rooms = {path.parent.name for path in ROOT.glob("*/app.py")}
        assert rooms == set(DOMAINS)
        assert set(contracts["contracts"][0]["modules"]) == rooms
        assert set(contracts["contracts"][2]["containers"]) == rooms


def files() -> list[Path]:
    """List our Python files."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted([*found, *ROOT.glob("*.py")])


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield each function of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


class TestFiles:
    @pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
    def test_are_small_and_say_what_they_are_for(self, path: Path) -> None:
        text = path.read_text()
        tree = ast.parse(text)
        assert len(text.splitlines()) <= LONGEST_FILE
        sentence = (ast.get_docstring(tree) or "").split("\n")[0]
        assert sentence.endswith("."), "the first line of a module is one sentence"
        for function in functions(tree):
            length = (function.end_lineno or 0) - function.lineno + 1
            assert length <= LONGEST_FUNCTION, function.name


class TestEndpoints:
    def test_are_declared(self) -> None:
        plain = {"/livez", "/readyz", "/status", "/openapi.json", "/static/{name}"}
        plain |= {"/", "/docs", "/docs/", "/api/docs", "/redoc", "/redoc/"}
        plain |= {"/problems", "/problems/{code}", "/metrics"}
        assert {x.route for x in operations() if x.declared is None} == plain
        for route in bare_house().router.routes():
            if route.method == hdrs.METH_ANY:
                for name in {"get", "post", "put", "patch", "delete"} & set(dir(route.handler)):
                    declared = getattr(getattr(route.handler, name), "endpoint", None)
                    assert isinstance(declared, Endpoint), route

    def test_have_names_of_their_own_where_they_have_names(self) -> None:
        named = [
            (x.declared.operation_id, str(x))
            for x in operations()
            if x.declared and x.declared.operation_id and x.method != hdrs.METH_HEAD
        ]
        assert dict(named) == {
            "get_user": "GET /api/v1/users/{id}",
            "create_user": "POST /api/v1/users",
            "update_user": "PATCH /api/v1/users/{id}",
        }
        assert len(named) == 3

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_have_their_addresses_in_one_room(self, domain: str) -> None:
        addresses = {text for text in strings(ROOT / domain / "app.py") if text.startswith("/")}
        assert addresses
        for path in (ROOT / domain).rglob("*.py"):
            if path.name != "app.py":
                elsewhere = strings(path)
                assert not addresses & elsewhere, path
                assert not [text for text in elsewhere if "/api/" in text or "/{" in text], path

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_lie_in_rooms_that_every_domain_has(self, domain: str) -> None:
        known = {"__init__.py", "__main__.py", "__pycache__", "app.py", "public.py", *ROOMS}
        known |= {"service.py", "repository.py", "directory.py", "weather"}
        assert {path.name for path in (ROOT / domain).iterdir()} <= known


def strings(path: Path) -> set[str]:
    """Return the constant texts in a file."""
    nodes = [
        node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)
    ]
    return {node.value for node in nodes if isinstance(node.value, str)}


def leading(table: Table) -> set[str]:
    """Return the columns with which an index, a key or a constraint of a table begins."""
    found = {next(iter(table.primary_key.columns)).name}
    found |= {column.name for index in table.indexes for column in list(index.columns)[:1]}
    for constraint in table.constraints:
        columns = list(getattr(constraint, "columns", []))
        if type(constraint).__name__ == "UniqueConstraint" and columns:
            found.add(columns[0].name)
    return found


class TestForeignKeys:
    @pytest.mark.parametrize("name", sorted(Base.metadata.tables))
    def test_have_an_index_that_begins_with_them(self, name: str) -> None:
        table = Base.metadata.tables[name]
        for key in table.foreign_key_constraints:
            assert key.columns[0].name in leading(table), key
