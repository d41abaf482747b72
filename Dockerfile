# syntax=docker/dockerfile:1
# The operator's image: an interpreter and a virtual environment; no shell, no package manager.
# Builder and final stage share Debian 12 and so /usr/bin/python3.11, which the environment links to.
# Each base may be pinned by its digest, or be one of your own: --build-arg BUILD_BASE=debian@sha256:...
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.13.9
ARG BUILD_BASE=debian:bookworm-slim
ARG FINAL_BASE=gcr.io/distroless/python3-debian12:nonroot

FROM ${UV_IMAGE} AS uv

FROM ${BUILD_BASE} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON=/usr/bin/python3.11 \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /app
# Dependencies change seldom, so they make a layer of their own.
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=uv.lock,target=/app/uv.lock \
    --mount=type=bind,source=pyproject.toml,target=/app/pyproject.toml \
    uv sync --locked --no-dev --no-install-project
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY operator operator
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --no-editable

FROM ${FINAL_BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gemma4-operator" \
      org.opencontainers.image.description="Turns a Gemma4Deployment into GPU-scheduled inference pods for Gemma 4, and says why" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:/usr/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["/app/.venv/bin/python", "-m", "gemma4_operator"]
