# `make run` trains and pushes a model from the embedded sample; `make test` proves that it works.
SHELL := bash
PYTHON ?= python3
UV := .tools/bin/uv
READY := .venv/.ready
# TFX 1.21 and a Python of 3.11 to 3.13 where both are to be had, else TFX 1.16 and Python 3.10, which
# pyenv finds by the variable. TFX 1.21's wheels need glibc 2.39 (Debian 13, Ubuntu 24.04) or newer.
GLIBC := $(lastword $(shell getconf GNU_LIBC_VERSION 2>/dev/null || echo 0))
ifeq (2.39,$(firstword $(shell printf '%s\n' 2.39 $(GLIBC) | sort -V)))
FIND_PYTHON := $(UV) python find --system --no-project --no-python-downloads '>=3.11,<3.14' 2>/dev/null || echo 3.10
else
FIND_PYTHON := echo 3.10
export PYENV_VERSION := 3.10
endif
ARXIV_TAGGER := .venv/bin/arxiv-tagger
# Two processes; the tests of a file stay together, since they share costly runs. The longest files
# start first, so that both processes end at about the same time.
PYTEST := .venv/bin/pytest --numprocesses 2 --dist loadfile

.PHONY: run test test-trixie unit lint lint-files docs real bench setup browser promtool lock image clean

run: $(READY)
	$(ARXIV_TAGGER) run --profile sample --output out

test: lint $(READY) browser promtool
	$(PYTEST) tests/e2e tests/unit tests/contract

# The other stack, in a Debian 13 of its own, where this machine's glibc is too old for it. In the end
# each stack's server loads what both have pushed.
TRIXIE := tests/support/trixie
test-trixie: run
	rm -rf build/out-trixie build/answers.json
	$(TRIXIE) make setup
	for time in first second; do \
	  $(TRIXIE) $(ARXIV_TAGGER) run --profile sample --output build/out-trixie || exit; done
	for target in vertex kubeflow; do \
	  $(TRIXIE) $(ARXIV_TAGGER) compile --target $$target --output build/$$target.json || exit; done
	$(TRIXIE) $(PYTEST) tests/unit tests/contract
	for where in "" $(TRIXIE); do $$where .venv/bin/pytest tests/stacks \
	  --pushed out --pushed build/out-trixie --answers build/answers.json || exit; done

unit: $(READY)
	$(PYTEST) tests/unit

lint: $(READY) lint-files
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports --no-logo
	.venv/bin/mypy schema serving components pipeline benchmarks

# The files for Docker, GitHub, Cloud Build, Compose and Kubernetes. All schemas come with the tools.
SCHEMA := .venv/bin/check-jsonschema --quiet --builtin-schema
MANIFESTS := $(filter-out %/kustomization.yaml,$(wildcard serving/deploy/kubernetes/base/*.yaml))
lint-files: $(READY)
	.venv/bin/hadolint Dockerfile
	$(SCHEMA) vendor.github-workflows .github/workflows/*.yml
	$(SCHEMA) custom.github-workflows-require-timeout .github/workflows/*.yml
	$(SCHEMA) vendor.cloudbuild cloudbuild.yaml
	$(SCHEMA) vendor.compose-spec serving/deploy/compose.yaml
	.venv/bin/kubernetes-validate --strict --quiet $(MANIFESTS)

# docs/settings.md, from the docstrings of the settings.
docs: $(READY)
	.venv/bin/python -m tests.support.settings_page

# The proofs on a real file: make real DATA=arxiv_data.csv.gz
real: $(READY)
	@test -n "$(DATA)" || { echo "Name the file: make real DATA=arxiv_data.csv.gz" >&2; exit 2; }
	.venv/bin/pytest tests/real --data "$(DATA)"

# Speed and memory compared with the Keras example; takes hours: make bench DATA=arxiv_data.csv.gz
bench: $(READY)
	@test -n "$(DATA)" || { echo "Name the file: make bench DATA=arxiv_data.csv.gz" >&2; exit 2; }
	.venv/bin/python -m benchmarks.speed --data "$(DATA)"

setup: $(READY)

# The page's tests need Debian's chromium and chromium-driver: installed where they are missing and
# we may.
browser:
	@type chromium chromedriver >/dev/null 2>&1 && exit; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	if type apt-get >/dev/null 2>&1 && $$sudo true 2>/dev/null; then \
	  export DEBIAN_FRONTEND=noninteractive; log=$$(mktemp); \
	  { $$sudo apt-get update && \
	    $$sudo apt-get install --yes --no-install-recommends chromium chromium-driver; } >"$$log" 2>&1 \
	    && rm "$$log" && exit; \
	  tail -n 5 "$$log" >&2; \
	fi; \
	echo "The tests of the page need chromium and chromedriver on the PATH: install Debian's" \
	  "packages chromium and chromium-driver." >&2; exit 1

# The program of Debian's package prometheus that checks alert rules, without the server. Their tests
# are skipped where it can't be had.
promtool:
	@type promtool >/dev/null 2>&1 || [ -x build/promtool ] || { \
	  mkdir -p build/prometheus && cd build/prometheus && \
	  { apt-get download prometheus || { apt-get update && apt-get download prometheus; } } && \
	  dpkg -x prometheus_*.deb . && mv usr/bin/promtool ..; } >/dev/null 2>&1 || \
	  echo "The alert rules are tested without promtool: it can't be fetched here." >&2

$(UV):
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

$(READY): $(UV) pyproject.toml requirements.lock
	$(UV) venv --quiet --allow-existing --python "$$($(FIND_PYTHON))" .venv
	@type g++ >/dev/null 2>&1 && [ -e "$$(.venv/bin/python -c \
	  'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || { \
	  echo "A package has to be compiled: install g++ and Python's headers (Debian's python3-dev)." >&2; \
	  exit 1; }
	$(UV) pip sync --quiet --python .venv/bin/python --require-hashes \
	  --build-constraints requirements.lock requirements.lock
	$(UV) pip install --quiet --python .venv/bin/python --no-deps --editable .
	touch $@

# After a change of the dependencies in pyproject.toml: for both stacks, by markers. The images' locks
# start from the first one, so that all name the same versions.
LOCK := $(UV) pip compile pyproject.toml --universal --python-version 3.10 --generate-hashes \
  --no-emit-index-url --no-header --quiet
lock: $(UV)
	$(LOCK) --extra pipeline --extra dev --output-file requirements.lock
	cp requirements.lock requirements-image.lock
	cp requirements.lock requirements-gpu.lock
	$(LOCK) --no-annotate --extra pipeline --output-file requirements-image.lock
	$(LOCK) --no-annotate --extra pipeline --extra gpu --output-file requirements-gpu.lock

# The container image: make image TARGET=cuda. docs/image.md has the rest.
TARGET ?= cpu
ifeq (1.16,$(TFX))
BUILD_ARGS += --build-arg PYTHON_VERSION=3.10 --build-arg DEBIAN=bookworm \
  --build-arg BEAM_VERSION=2.60.0 --build-arg SERVING_VERSION=2.16.1
endif
IMAGE ?= arxiv-tagger:$(TARGET)
image:
	@case "$(TFX)" in ""|1.16|1.21) ;; \
	  *) echo "TFX is 1.16 or 1.21, not $(TFX)." >&2; exit 2;; esac; \
	builder="$(BUILDER)"; [ -n "$$builder" ] || \
	  if docker info --format '{{.ServerVersion}}' >/dev/null 2>&1; then builder=docker; \
	  else builder=$$(type -P podman buildah | head -n 1); fi; \
	[ -n "$$builder" ] || { echo "An image is built with docker (and its engine running), podman or" \
	  "buildah: install one of them." >&2; exit 2; }; \
	args=(build --target $(TARGET) --tag $(IMAGE)); \
	args+=(--build-arg "REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown)"); \
	[ "$${builder##*/}" = docker ] || args+=(--layers=false); \
	[ -z "$(CERTIFICATES)" ] || args+=(--secret "id=certificates,src=$(CERTIFICATES)"); \
	set -x; "$$builder" "$${args[@]}" $(BUILD_ARGS) .

clean:
	rm -rf out dist build .venv .tools .mypy_cache .ruff_cache .pytest_cache
