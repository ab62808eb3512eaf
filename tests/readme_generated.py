"""What the README and docs/endpoints.md take from the code; `python -m tests.readme_generated`."""

import sys
from pathlib import Path

from tests import readme_endpoints, readme_settings

ROOT = Path(__file__).parent.parent
README, ENDPOINTS = ROOT / "README.md", ROOT / readme_endpoints.PAGE
PARTS = {"endpoints": readme_endpoints.table, "settings": readme_settings.table}
BEGIN = "<!-- {}: written by `python -m tests.readme_generated` -->\n"
END = "<!-- end of {} -->\n"


def filled(text: str) -> str:
    """Return a text with what stands between its markers made anew.

    Raises:
        ValueError: a marker is missing, or stands there twice.
    """
    for name, write in PARTS.items():
        begin, end = BEGIN.format(name), END.format(name)
        if (text.count(begin), text.count(end)) != (1, 1):
            raise ValueError(f"the markers of {name} must stand there once each")
        before, rest = text.split(begin)
        text = f"{before}{begin}{write()}\n{end}{rest.split(end)[1]}"
    return text


def main() -> None:
    """Bring both up to date."""
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
    ENDPOINTS.write_text(readme_endpoints.page(), encoding="utf-8")
    sys.stdout.write(f"{README.name} and {readme_endpoints.PAGE} are up to date.\n")


if __name__ == "__main__":
    main()
