# The image of every step of the pipeline, with the command line as its entry point.
#
#   make image                       # or TARGET=cuda, TARGET=beam: workers of Dataflow, Flink, Spark
#   docker build --target cpu --tag arxiv-tagger:cpu .
#
# It needs Docker 23 (BuildKit), or podman or buildah with `--layers=false`: with layers they don't
# mount a stage that they have cached. docs/image.md: the old stack, read-only roots, proxies.
#
# These images are the only input without a hash: to pin one for good, pass its digest, as in
#   --build-arg PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie@sha256:...
ARG PYTHON_VERSION=3.13
ARG DEBIAN=trixie
# The locked apache-beam's, which Beam's boot program insists on.
ARG BEAM_VERSION=2.77.0
ARG SERVING_VERSION=2.21.0
ARG PYTHON_IMAGE=docker.io/library/python:${PYTHON_VERSION}-slim-${DEBIAN}
# The same Python with compilers: some locked packages come as source only.
ARG BUILDER_IMAGE=docker.io/library/python:${PYTHON_VERSION}-${DEBIAN}
ARG UV_IMAGE=docker.io/astral/uv:0.13.9
ARG SERVING_IMAGE=docker.io/tensorflow/serving:${SERVING_VERSION}
ARG BEAM_IMAGE=docker.io/apache/beam_python${PYTHON_VERSION}_sdk:${BEAM_VERSION}

FROM ${UV_IMAGE} AS uv

FROM ${SERVING_IMAGE} AS serving

FROM ${BEAM_IMAGE} AS beam-sdk


FROM ${BUILDER_IMAGE} AS builder
COPY --from=uv /uv /usr/local/bin/uv
# Bytecode is made here, since who runs the image may not write beside the code, and would compile
# TFX at every start.
ENV UV_CACHE_DIR=/var/cache/uv \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_SYSTEM_CERTS=1
# Of a proxy that signs with an authority of its own. No shipped stage is built on this one.
RUN --mount=type=secret,id=certificates \
    if [ -e /run/secrets/certificates ]; then \
        cat /run/secrets/certificates >> /etc/ssl/certs/ca-certificates.crt; \
    fi
WORKDIR /build


FROM builder AS dependencies
RUN uv venv --python python3 /opt/venv
COPY requirements-image.lock ./
# What builds the packages that come as source is locked by the same file.
RUN --mount=type=cache,target=/var/cache/uv \
    uv pip sync --python /opt/venv --require-hashes \
        --build-constraints requirements-image.lock requirements-image.lock


FROM dependencies AS dependencies-cuda
COPY requirements-gpu.lock ./
RUN --mount=type=cache,target=/var/cache/uv \
    uv pip sync --python /opt/venv --require-hashes \
        --build-constraints requirements-gpu.lock requirements-gpu.lock


FROM builder AS wheel
COPY pyproject.toml README.md LICENSE requirements.lock ./
COPY schema schema
COPY serving serving
COPY components components
COPY pipeline pipeline
RUN --mount=type=cache,target=/var/cache/uv \
    uv build --wheel --require-hashes --build-constraints requirements.lock --out-dir /build/dist


FROM ${PYTHON_IMAGE} AS runtime
# The infrastructure check serves the candidate with the server of production. It runs on the
# processor in every image. `--version` proves that its libraries are here.
COPY --from=serving /usr/bin/tensorflow_model_server /usr/local/bin/tensorflow_model_server
RUN tensorflow_model_server --version \
    && groupadd --gid 65532 tagger \
    && useradd --uid 65532 --gid 65532 --create-home --home-dir /home/tagger tagger
# Kubeflow's importer reads the curated schema from a path, not from a package.
COPY schema/schema.pbtxt /opt/arxiv-tagger/schema/schema.pbtxt
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/home/tagger \
    PYTHONUNBUFFERED=1
WORKDIR /home/tagger
ENTRYPOINT ["arxiv-tagger"]
CMD ["--help"]
LABEL org.opencontainers.image.title="arxiv-tagger" \
      org.opencontainers.image.description="A TFX pipeline that suggests subject areas from an abstract" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"


FROM runtime AS cuda
COPY --from=dependencies-cuda /opt/venv /opt/venv
RUN --mount=type=bind,from=uv,source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,from=wheel,source=/build/dist,target=/build/dist \
    uv pip install --python /opt/venv --no-cache --offline --no-deps --compile-bytecode \
        /build/dist/*.whl \
    && uv pip check --python /opt/venv --no-cache
# CUDA comes from the packages, the driver from the machine: NVIDIA's container runtime mounts what
# the first two ask for, Kubernetes Engine lays it into the folders of the third.
ENV NVIDIA_VISIBLE_DEVICES=all \
    TF_FORCE_GPU_ALLOW_GROWTH=true \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    LD_LIBRARY_PATH=/usr/local/nvidia/lib:/usr/local/nvidia/lib64
ARG REVISION=unknown
LABEL org.opencontainers.image.revision="${REVISION}"
USER 65532:65532


FROM runtime AS cpu
COPY --from=dependencies /opt/venv /opt/venv
RUN --mount=type=bind,from=uv,source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,from=wheel,source=/build/dist,target=/build/dist \
    uv pip install --python /opt/venv --no-cache --offline --no-deps --compile-bytecode \
        /build/dist/*.whl \
    && uv pip check --python /opt/venv --no-cache
ARG REVISION=unknown
LABEL org.opencontainers.image.revision="${REVISION}"
USER 65532:65532


# Beam's boot program asks pip what is installed; ensurepip has pip inside.
# Dataflow mounts folders that only root may write to, and starts the image's own entry point.
FROM cpu AS beam
# hadolint ignore=DL3002
USER 0:0
COPY --from=beam-sdk /opt/apache/beam /opt/apache/beam
RUN python -m ensurepip --default-pip \
    && python -m pip show --quiet apache-beam
# Boot would make an environment of its own, which does not see /opt/venv.
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
ENTRYPOINT ["/opt/apache/beam/boot"]
CMD []


# What a build without --target gives.
FROM cpu AS default
