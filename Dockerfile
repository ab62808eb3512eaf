# Stages: runtime (the service, and nothing that could build one), test (the same with its tests).
#   docker build --target runtime -t shop-api .
#   docker build --target test -t shop-api:test .
# Nothing here needs BuildKit, so docker-compose 1.29 builds it as well.
ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/venv
# The packages first, for a project without code: this layer stays while only our code changes.
WORKDIR /packages
COPY setup.py pyproject.toml constraints.txt ./
# Which of setup.py's extras come along, for example otel.
ARG EXTRAS=
RUN touch monolith.py \
 && python -m pip --python /opt/venv/bin/python install -q --only-binary ":all:" \
      -c constraints.txt ".${EXTRAS:+[$EXTRAS]}"
WORKDIR /build
COPY . .
RUN python -m pip --python /opt/venv/bin/python install -q --no-deps --force-reinstall .

FROM python:${PYTHON} AS runtime
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    APP_HOST=0.0.0.0
# What runs here installs nothing. A new volume for the log takes its owner from this folder.
RUN python -m pip uninstall -q --yes --root-user-action ignore pip \
 && groupadd --gid 10001 shop-api \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /bin/bash shop-api \
 && install --directory --owner 10001 --group 10001 /var/log/shop-api
WORKDIR /app
# For `alembic`; everything else lives in the environment.
COPY pyproject.toml ./
COPY migrations migrations
COPY --from=build /opt/venv /opt/venv
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 \
    CMD ["python", "-m", "kit.healthcheck"]
CMD ["shop-api", "serve"]

FROM build AS build-test
RUN python -m pip --python /opt/venv/bin/python install -q --only-binary ":all:" -c constraints.txt ".[test]"

FROM runtime AS test
COPY --from=build-test /opt/venv /opt/venv
COPY . .
ENV PYTEST_ADDOPTS="-p no:cacheprovider"

FROM runtime
