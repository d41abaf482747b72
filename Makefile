# Every target explains itself: `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
IMAGE ?= gemma4-operator:0.1.0
CONTAINER_TOOL ?= $(firstword $(foreach tool,docker podman buildah,$(if $(shell command -v $(tool)),$(tool))) docker)
# The commit, for the image's label; nothing where there is no repository or no git.
REVISION ?= $(shell git rev-parse --verify --quiet HEAD 2>/dev/null)
# Further arguments of the image's build, such as bases by their digests: --build-arg FINAL_BASE=...@sha256:...
IMAGE_ARGS ?=
# Narrow a run: make test-fast PYTEST_ARGS="tests/unit -k names"
PYTEST_ARGS ?=
# Processes that share the tests, each with a control plane of its own; most of a test's time is waiting. On two cores a
# third is faster on average, and now and then starves a control plane for longer than tests wait.
PYTEST_WORKERS ?= 2
SHARED_OUT := -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder
# What `make fuzz` runs at length.
FUZZED := tests/property/test_bad_resources.py tests/property/test_bad_objects.py tests/unit/cli/test_bad_documents.py \
	tests/integration/test_bad_input.py tests/integration/test_convergence.py
DIST ?= dist
MINUTES ?= 10
RESOURCES ?= 100
SEED ?= 6

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.stamp ## Make .venv with the locked packages (quick when nothing changed)
	@:

$(VENV)/.stamp: uv.lock pyproject.toml hack/setup.sh
	@hack/setup.sh $(VENV)
	@touch $@

.PHONY: demo
demo: setup ## Start a local Kubernetes, install the operator, chat with a model
	@$(PY) -m hack.demo up

.PHONY: demo-down
demo-down: setup ## Remove everything the demo started
	@$(PY) -m hack.demo down

.PHONY: test
test: setup lint ## Run every check and every test (builds the test cluster's binaries on first use)
	@$(PY) -m tests.cluster build
	@$(PY) -m pytest $(SHARED_OUT) $(PYTEST_ARGS)

.PHONY: test-fast
test-fast: setup ## Run the tests that need no cluster and no engine
	@$(PY) -m pytest -m "not cluster and not node and not engine" $(PYTEST_ARGS)

.PHONY: e2e
e2e: setup ## Run every engine that a CPU can run on a real node (needs root)
	@$(PY) -m tests.cluster build
	@$(PY) -m pytest tests/e2e tests/real $(PYTEST_ARGS)

.PHONY: fuzz
fuzz: setup ## Send bad input and disturb at length: hundreds of resources, twenty seeds (about fifteen minutes)
	@$(PY) -m tests.cluster build
	@HYPOTHESIS_PROFILE=thorough $(PY) -m pytest $(FUZZED) $(PYTEST_ARGS)

.PHONY: soak
soak: setup ## Ten minutes of random faults with 100 resources; MINUTES=, RESOURCES=, SEED= change that
	@$(PY) -m tests.cluster build
	@$(PY) -m tests.soak --minutes $(MINUTES) --resources $(RESOURCES) --seed $(SEED)

.PHONY: lint
lint: setup ## Check style, types, import contracts and generated files
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/mypy --config-file tests/mypy.ini
	@$(BIN)/lint-imports
	@$(PY) -m hack.generate --check

.PHONY: generate
generate: setup ## Write the CRDs, their copies, the reference pages, manifests/base and manifests/overlays
	@$(PY) -m hack.generate
	@$(PY) -m hack.manifests
	@$(PY) -m hack.overlays
	@$(PY) -m hack.record

.PHONY: faults
faults: setup ## Make every fault of the matrix on a real control plane (FAULTS_ARGS="--write-docs": and its page)
	@$(PY) -m tests.cluster build
	@$(PY) -m tests.faults $(FAULTS_ARGS)

.PHONY: bench
bench: setup ## Measure requests, writes, memory and speed on a local cluster
	@$(PY) -m tests.cluster build
	@$(PY) -m tests.bench

.PHONY: bench-plan
bench-plan: setup ## Measure how long a plan takes on 1,000 nodes; write docs/reference/planning-speed.md
	@$(PY) -m tests.bench.planning --write-docs

.PHONY: bench-scrape
bench-scrape: setup ## Measure what reading 500 engines takes; write docs/reference/reading-engines.md
	@$(PY) -m tests.bench.scraping --write-docs

.PHONY: scaling-bench
scaling-bench: setup ## Play scaling rules on the same traffic (hours; SCALING_ARGS="--minutes 30 --jobs 2"); write its page
	@$(PY) -m tests.bench.scaling $(SCALING_ARGS)

.PHONY: engine-bench
engine-bench: setup ## Put the simulator beside a real vLLM (about ten minutes); write docs/reference/simulator.md
	@$(PY) -m tests.bench.engine --write-docs

.PHONY: accuracy
accuracy: setup ## Compare the planner with engines and measurements; write docs/reference/accuracy.md
	@$(PY) -m tests.accuracy --write-docs --check

.PHONY: cluster-up
cluster-up: setup ## Start a local Kubernetes to play with
	@$(PY) -m tests.cluster up

.PHONY: cluster-down
cluster-down: setup ## Stop it and remove what it left
	@$(PY) -m tests.cluster down

.PHONY: dist
dist: setup ## Build the wheel and its software bill of materials (CycloneDX) into dist/ (DIST=)
	@$(BIN)/uv build --quiet --wheel --out-dir $(DIST)
	@$(BIN)/uv export --quiet --frozen --no-dev --preview-features sbom-export --format cyclonedx1.5 \
		--output-file $(DIST)/gemma4-operator.cdx.json
	@ls $(DIST)

.PHONY: image
image: ## Build the operator's container image (IMAGE=..., IMAGE_ARGS=..., CONTAINER_TOOL=docker|podman|buildah)
	$(CONTAINER_TOOL) build -t $(IMAGE) $(if $(REVISION),--build-arg REVISION=$(REVISION)) $(IMAGE_ARGS) -f Dockerfile .

.PHONY: clean
clean: ## Remove the virtual environment and all caches of this checkout
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
