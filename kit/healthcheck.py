"""Ask a probe of the process in this container: `python -m kit.healthcheck`, for a HEALTHCHECK.

It runs every few seconds, so it needs the standard library only and reads no other setting.
"""

import argparse
import os
import sys
from http.client import HTTPConnection, HTTPException

EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to ask
WEB_PORT = "8000"
WORKER_PORT = "0"  # nowhere


def main(arguments: list[str] | None = None) -> int:
    """Print one line; return 0 when the probe answers with 200, else 1."""
    parser = argparse.ArgumentParser("python -m kit.healthcheck", description="Ask a probe.")
    parser.add_argument("--ready", action="store_true", help="ask /readyz instead of /livez")
    parser.add_argument("--worker", action="store_true", help="at WORKER_PORT, not at APP_PORT")
    parser.add_argument("--timeout", type=float, default=3.0, metavar="SECONDS")
    given = parser.parse_args(arguments)
    variable, default = ("WORKER_PORT", WORKER_PORT) if given.worker else ("APP_PORT", WEB_PORT)
    named, host = os.environ.get(variable, default), os.environ.get("APP_HOST", "")
    port = int(named) if named.isascii() and named.isdigit() else 0
    if not 0 < port < 65536:
        sys.stdout.write(f"unhealthy: {variable}={named} names no port that could be asked\n")
        return 1
    found = ask(EVERYWHERE.get(host, host), port, "readyz" if given.ready else "livez", given)
    sys.stdout.write(f"{'healthy' if found is None else f'unhealthy: {found}'}\n")
    return int(found is not None)


def ask(host: str, port: int, probe: str, given: argparse.Namespace) -> str | None:
    """Return why a probe is not content; None when it is."""
    connection = HTTPConnection(host, port, timeout=given.timeout)
    try:
        connection.request("GET", f"/{probe}")
        answer = connection.getresponse()
        body = " ".join(answer.read(512).decode(errors="replace").split())
    except (OSError, HTTPException) as error:  # a timeout is an OSError, too
        cause = str(error) or type(error).__name__
        return f"/{probe} at {host}:{port} does not answer ({cause})"
    finally:
        connection.close()
    return None if answer.status == 200 else f"/{probe} answers {answer.status} {body}"


if __name__ == "__main__":
    sys.exit(main())
