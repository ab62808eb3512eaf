"""The script that makes a certificate, run as a container would."""

import os
import subprocess
from pathlib import Path

from tests.support.processes import PROJECT

SCRIPT = PROJECT / "deploy/certificates/make.sh"


def make_certificates(folder: Path) -> str:
    """Run the script that makes a pair where none lies; return what it says."""
    done = subprocess.run(
        ["sh", SCRIPT],
        env=os.environ | {"CERTIFICATES": str(folder), "PROXY_USER": str(os.getuid())},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
