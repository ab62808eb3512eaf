"""nginx and HAProxy with the files of `deploy/`, on free ports of this machine."""

import os
import re
import shutil
import ssl
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientSession, CookieJar, TCPConnector

from tests.gateway.certificates import make_certificates
from tests.support.processes import PROJECT, free_port

DEPLOY = PROJECT / "deploy"
STOP_SECONDS = 10.0
RESOLVES = (1, 27, 3)  # the first nginx that asks for the names of its upstreams again
HTTP2 = (1, 25, 1)  # the first nginx that says it on a line of its own


class Gateway(ABC):
    """A gateway in a folder of its own; `quick` shortens how long it waits for an answer."""

    program: str

    def __init__(self, folder: Path, names: int, servers: Mapping[str, str]) -> None:
        """names: the port of the name server; servers: what stands for `web:8000` and the like."""
        self.folder = folder
        self.servers = servers
        self.tls, self.plain, self.inner = (free_port() for _ in range(3))
        self.variables = {
            "PROXY_RESOLVER": f"127.0.0.1:{names}",
            "PROXY_PORT": self.tls,
            **servers,
        }
        (folder / "certs").mkdir(parents=True)
        make_certificates(folder / "certs")
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def write(self, *, quick: bool, addresses: Sequence[str]) -> None:
        """Write the configuration; addresses: where names lead to, for who asks only once."""

    @abstractmethod
    def command(self, *, check: bool) -> list[str]:
        """Return how to run it, or how to let it check its configuration."""

    @property
    def environment(self) -> dict[str, str]:
        """Return what the process sees."""
        return dict(os.environ)

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"https://127.0.0.1:{self.tls}"

    @property
    def said(self) -> list[dict[str, Any]]:
        """Return its lines about requests."""
        *lines, _ = self._log.read_bytes().split(b"\n")  # the last one may still be written
        return [orjson.loads(line) for line in lines if line.startswith(b"{")]

    def check(self) -> str:
        """Let it check its configuration; return what it says."""
        done = subprocess.run(
            self.command(check=True), env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def start(self) -> None:
        """Run it."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command(check=False), env=self.environment, stdout=log, stderr=log
            )

    @property
    def ended(self) -> str:
        """Return what it said when it has ended by itself, "" while it runs."""
        over = self._process is not None and self._process.poll() is not None
        return (self._log.read_text() or "nothing") if over else ""

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_SECONDS)

    def trust(self) -> ssl.SSLContext:
        """Return what takes its certificate and no other."""
        return ssl.create_default_context(cafile=self.folder / "certs/tls.crt")

    def client(self, address: str = "127.0.0.1") -> ClientSession:
        """Make a client with a cookie jar of its own, at an address of this machine."""
        connector = TCPConnector(ssl=self.trust(), local_addr=(address, 0))
        return ClientSession(self.url, connector=connector, cookie_jar=CookieJar(unsafe=True))


class Nginx(Gateway):
    """What runs in the profiles `proxy` and `split`."""

    program = "nginx"
    template = "proxy"

    @property
    def version(self) -> tuple[int, ...]:
        """Return which one is here."""
        said = subprocess.run([self.program, "-v"], capture_output=True, text=True).stderr
        found = re.search(r"nginx/([0-9.]+)", said)
        assert found, said
        return tuple(map(int, found[1].split(".")))

    def write(self, *, quick: bool, addresses: Sequence[str]) -> None:
        """Fill the template, and move all files into the folder."""
        (self.folder / "tmp").mkdir()
        source = DEPLOY / "nginx"
        files = {f"house/{x.name}": x.read_text() for x in (source / "house").iterdir()}
        files["nginx.conf"] = (source / "nginx.conf").read_text()
        template = (source / f"templates/{self.template}.conf.template").read_text()
        for name, value in self.variables.items():
            template = template.replace(f"${{{name}}}", value)
        files[f"conf.d/{self.template}.conf"] = template
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(self._moved(text, quick, addresses))

    def _moved(self, text: str, quick: bool, addresses: Sequence[str]) -> str:
        text = text.replace("/tmp/", f"{self.folder}/tmp/")
        text = text.replace("/etc/nginx/", f"{self.folder}/")
        text = text.replace("listen 8443", f"listen 127.0.0.1:{self.tls}")
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.plain}")
        if quick:
            text = text.replace("proxy_read_timeout 15s", "proxy_read_timeout 1s")
        if self.version < HTTP2:
            text = text.replace("http2 on;", "")
        if self.version < RESOLVES:
            text = re.sub(
                r"server [\w.]+:(\d+) resolve (.*);",
                lambda found: " ".join(
                    f"server {each}:{found[1]} {found[2]};" for each in addresses
                ),
                text,
            )
        return text

    def command(self, *, check: bool) -> list[str]:
        """Keep it in the foreground, as the user who runs the tests."""
        told = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
        how = ["-t"] if check else []
        return [self.program, "-p", str(self.folder), "-c", "nginx.conf", "-g", told, *how]


class SplitNginx(Nginx):
    """What runs in the profile `split`."""

    template = "split"


class HAProxy(Gateway):
    """What runs in the profile `balancer`."""

    program = "haproxy"

    @property
    def environment(self) -> dict[str, str]:
        """Return what the configuration asks for."""
        ours = {
            "BALANCER_TLS": f"127.0.0.1:{self.tls}",
            "BALANCER_PLAIN": f"127.0.0.1:{self.plain}",
            "BALANCER_INNER_PORT": self.inner,
            "BALANCER_FOLDER": str(self.folder),
            "BALANCER_CERTIFICATES": str(self.folder / "certs"),
        }
        return dict(os.environ) | self.variables | ours

    def write(self, *, quick: bool, addresses: Sequence[str]) -> None:
        """Copy the files."""
        shutil.copytree(DEPLOY / "haproxy", self.folder, dirs_exist_ok=True)
        if quick:
            path = self.folder / "haproxy.cfg"
            path.write_text(path.read_text().replace("timeout server 15s", "timeout server 1s"))

    def command(self, *, check: bool) -> list[str]:
        """Keep it in the foreground."""
        return [self.program, *(["-c"] if check else []), "-f", str(self.folder / "haproxy.cfg")]
