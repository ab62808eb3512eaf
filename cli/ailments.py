"""What the doctor finds, and for how many processes it looks."""

from dataclasses import dataclass, field


class Ailment(Exception):
    """Something is wrong; the text says what to do."""


class Blemish(Ailment):
    """Something is missing that the service can do without."""


@dataclass(frozen=True)
class Finding:
    """Say what is well, and what may become a trouble."""

    found: str
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fleet:
    """Count what shares the servers."""

    web: int  # containers
    workers: int  # processes of `shop-api worker`
    web_processes: int  # in all web containers together

    def __str__(self) -> str:
        web = f"{self.web_processes} web process{'' if self.web_processes == 1 else 'es'}"
        return f"{web} and {self.workers} worker{'' if self.workers == 1 else 's'}"
