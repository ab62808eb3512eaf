"""What `docker compose up` starts: settings that fit, closed doors, nothing too early."""

import re
from pathlib import Path

import pytest

from kit.server import DRAIN, GRACE
from kit.settings import Settings
from kit.worker import GRACE as WORKER_GRACE
from tests.deploy.composed import (
    ROOT,
    VARIABLE,
    environment,
    mounted,
    ours,
    published,
    resolved,
    services,
    written,
)
from tests.deploy.manifests import setting_names

ALWAYS = {"postgres", "valkey", "kafka", "migrate", "seed", "web", "worker"}
ONCE = ("migrate", "seed", "migrate-users", "seed-users", "migrate-friends")
OPEN = {"web", "proxy", "balancer", "split-proxy"}
PROFILES = {"proxy", "balancer", "split", "mail", "observability", "elk", "debug"}
PINNED = re.compile(r"[\w./-]+:v?\d+(\.\d+)*")
ENDED = "service_completed_successfully"
GUNICORN = 5.0  # seconds that it waits for a worker after those
# what docker-compose 1.29 knows of a health check
KNOWN = {"test", "interval", "timeout", "retries", "start_period", "disable"}


class TestSettings:
    @pytest.mark.parametrize("name", ours())
    def test_are_all_named_and_may_come_from_the_environment(self, name: str) -> None:
        named = environment(ours()[name])
        assert set(named) - {"POSTGRES_PASSWORD"} == setting_names() - {"POSTGRES_PASSWORD"}
        fixed = {"APP_HOST", "APP_PORT", "WORKER_PORT"}  # of the container
        variables = dict(VARIABLE.findall((ROOT / "docker-compose.yml").read_text()))
        given = {"REDIS_URL"}  # by its parts, for 1.29 knows no default inside a default
        assert setting_names() - fixed - given <= set(variables)
        assert {"REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"} <= set(variables)

    @pytest.mark.parametrize("name", ours())
    def test_fit_as_they_are(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable, value in environment(ours()[name]).items():
            monkeypatch.setenv(variable, value)
        settings = Settings.from_environment()
        assert (settings.host, settings.port) == ("0.0.0.0", 8000)
        assert ":skytrack@" in settings.database_url
        assert ":skytrack@valkey:6379/" in settings.redis_url
        assert settings.log_file.startswith("/var/log/shop-api/")

    def test_of_those_who_live_apart_lead_to_servers_of_their_own(self) -> None:
        house, users, friends = (environment(services()[x]) for x in ("web", "users", "friends"))
        for variable in ("POSTGRES_HOST", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS"):
            assert house[variable] not in (users[variable], friends[variable])
        assert users["POSTGRES_HOST"] != friends["POSTGRES_HOST"]
        assert users["REDIS_URL"] == friends["REDIS_URL"]  # a cookie is good at both
        assert users["SERVICE_TOKEN"] == friends["SERVICE_TOKEN"]

    def test_believe_the_gateways_alone(self) -> None:
        gateways = [services()[name] for name in ("proxy", "balancer", "split-proxy")]
        addresses = [found["networks"]["edge"]["ipv4_address"] for found in gateways]
        assert environment(services()["web"])["TRUSTED_PROXIES"].split(",") == addresses


class TestDoors:
    def test_without_a_profile_only_the_web_has_one(self) -> None:
        plain = {name: found for name, found in services().items() if "profiles" not in found}
        assert set(plain) == ALWAYS
        assert {name for name, found in plain.items() if published(found)} == {"web"}
        assert published(plain["web"]) == ["8000:8000"]

    def test_are_on_loopback_but_for_the_gateways(self) -> None:
        named = {name: published(found) for name, found in services().items() if name not in OPEN}
        assert all(port.startswith("127.0.0.1:") for ports in named.values() for port in ports)

    def test_each_profile_has_services(self) -> None:
        assert {x for found in services().values() for x in found.get("profiles", [])} == PROFILES


class TestContainers:
    @pytest.mark.parametrize("name", ours())
    def test_of_ours_may_do_nothing_but_serve(self, name: str) -> None:
        found = ours()[name]
        assert (found["read_only"], found["cap_drop"], found["tmpfs"]) == (True, ["ALL"], ["/tmp"])
        assert found["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in found  # it is the image's
        assert not found.get("privileged")

    def test_of_others_are_pinned(self) -> None:
        images = {found["image"] for found in services().values()} - {"shop-api"}
        assert [image for image in images if not PINNED.fullmatch(image)] == []

    def test_have_time_to_end(self) -> None:
        longest = max(DRAIN * 1.5 + GRACE + GUNICORN, WORKER_GRACE + 10)
        servers = [found for name, found in ours().items() if name in ("web", "worker", "users")]
        assert [int(found["stop_grace_period"].rstrip("s")) > longest for found in servers] == [
            True
        ] * 3

    def test_keep_what_must_last_in_named_volumes(self) -> None:
        assert {volume for _, volume in mounted()} == set(resolved()["volumes"])
        kept = dict(mounted())
        assert {"postgres", "valkey", "kafka", "web", "worker"} <= set(kept)
        assert kept["web"] == kept["worker"] == "logs"


class TestOrder:
    def test_nothing_starts_before_what_it_needs(self) -> None:
        found = services()
        for name in ("web", "worker"):
            waits = found[name]["depends_on"]
            assert {x for x, how in waits.items() if how["condition"] == ENDED} == {
                "migrate",
                "seed",
            }
        assert found["seed"]["depends_on"] == {"migrate": {"condition": ENDED}}
        for service in found.values():
            for name, how in service.get("depends_on", {}).items():
                checked = not found[name].get("healthcheck", {"disable": True}).get("disable")
                assert checked == (how["condition"] == "service_healthy"), name

    @pytest.mark.parametrize("name", ONCE)
    def test_what_runs_once_is_not_started_again(self, name: str) -> None:
        assert "restart" not in services()[name]
        assert services()[name]["healthcheck"] == {"disable": True}

    def test_one_service_builds_the_image_and_starts_before_all_others_of_ours(self) -> None:
        assert [name for name, found in ours().items() if "build" in found] == ["migrate"]
        assert "migrate" not in services()["postgres"].get("depends_on", {})


class TestOldCompose:
    def test_is_asked_for_nothing_that_it_does_not_know(self) -> None:
        assert {name for name in written() if not name.startswith("x-")} == {
            "services",
            "networks",
            "volumes",
        }
        text = (ROOT / "docker-compose.yml").read_text()
        assert re.findall(r"\$\{[^}]*\$\{", text) == []
        for name, found in services().items():
            assert set(found.get("healthcheck", {})) <= KNOWN, name


class TestImage:
    def test_runs_as_nobody_and_holds_nothing_to_build_with(self) -> None:
        text = (ROOT / "Dockerfile").read_text()
        runtime = text[text.index(" AS runtime") : text.index(" AS build-test")]
        assert "\nUSER 10001:10001\n" in runtime
        assert "pip uninstall" in runtime
        assert "install -q --only-binary" not in runtime
        assert 'CMD ["shop-api", "serve"]' in runtime  # no shell stands before it
        assert (ROOT / "kit" / "healthcheck.py").exists()
        assert '"python", "-m", "kit.healthcheck"' in runtime

    def test_leaves_secrets_and_what_is_made_here_behind(self) -> None:
        ignored = Path(ROOT / ".dockerignore").read_text().split()
        assert {".git", ".env", ".venv", ".data"} <= set(ignored)
