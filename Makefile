# Everything a developer, the continuous integration and a new user run. `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
WORKERS ?= auto
VENV := .venv
BIN := $(VENV)/bin
IMAGE ?= scorewright
TAG ?=

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	--no-emit-find-links --quiet

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Scorewright needs Python 3.11 or later; name one: make install PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.tools: requirements/build.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@touch $@

$(VENV)/.installed: requirements/all.txt pyproject.toml $(VENV)/.tools
	bash tools/install.sh requirements/all.txt
	@touch $@

$(VENV)/.installed-dev: requirements/dev.txt pyproject.toml $(VENV)/.tools
	bash tools/install.sh requirements/dev.txt
	@touch $@ $(VENV)/.installed

.PHONY: install
install: $(VENV)/.installed ## Make .venv with Scorewright and everything it can use, from the lock

.PHONY: install-dev
install-dev: $(VENV)/.installed-dev ## The same with the tools that test and check

.PHONY: lock
lock: $(VENV)/.tools ## Resolve the locks again (UPGRADE=1 takes newer versions)
	$(LOCK) $(if $(UPGRADE),--upgrade) pyproject.toml --extra all --group dev -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt pyproject.toml --extra all -o requirements/all.txt
	$(LOCK) -c requirements/dev.txt pyproject.toml --extra serve -o requirements/serve.txt
	$(LOCK) -c requirements/dev.txt --group build -o requirements/build.txt
	$(LOCK) --group peers -o requirements/peers.txt
	$(LOCK) --group serve-peers -o requirements/serve-peers.txt
	$(LOCK) --group client -o requirements/client.txt

.venv-%/.installed: requirements/%.txt $(VENV)/.tools
	$(BIN)/uv venv --quiet --python $(BIN)/python --clear .venv-$*
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --require-hashes -r requirements/$*.txt
	@touch $@

.PHONY: demo
demo: install ## Generate a lender's tables, train, compare, serve and ask for one decision
	$(BIN)/python tools/demo.py

.PHONY: packages
packages: ## See to the Debian packages that tests need: a browser, and the binaries of a PostgreSQL server
	bash tools/debian.sh chromium postgresql

.PHONY: test
test: install-dev packages .venv-client/.installed ## Run the tests, slow ones left out
	OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

.PHONY: nightly
nightly: install-dev packages ## Run the slow tests, and the property tests on new examples
	$(BIN)/python -m pytest -m slow
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -m "not slow" tests/property

.PHONY: check
check: install-dev ## Lint, types, rooms, shape, workflows, hosts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/shape.py src
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --no-progress .github/workflows
	$(BIN)/python tools/no_hosts.py

.PHONY: format
format: install-dev ## Format the code and mend what can be mended safely
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: bench-startup bench-sample bench-quality bench-explain bench-serve bench-faults ## Every benchmark

.PHONY: bench-explain
bench-explain: install-dev ## Measure on real data what explanations are worth: exact, in words, and kept
	$(BIN)/python benchmarks/explain.py

.PHONY: bench-startup
bench-startup: install-dev ## Time the import and --help
	$(BIN)/python benchmarks/startup.py

.PHONY: bench-sample
bench-sample: install-dev ## Generate a sample of official size; its time and memory
	$(BIN)/python benchmarks/sample.py

.PHONY: bench-quality
bench-quality: install-dev .venv-peers/.installed ## Measure the decisions on real data, beside CatBoost and FLAML
	$(BIN)/python benchmarks/quality.py

.PHONY: bench-serve
bench-serve: install-dev .venv-serve-peers/.installed ## Load the service on real data, beside an empty endpoint, MLflow and BentoML
	$(BIN)/python benchmarks/serve.py

.PHONY: bench-faults
bench-faults: install-dev ## Swap, kill, replay and send anything at all to the service: what is lost
	$(BIN)/python benchmarks/faults.py

.PHONY: version-check
version-check: $(BIN)/python ## Hold that TAG, as v1.2.3, is the version of the project and stands in CHANGELOG.md
	$(BIN)/python tools/version_check.py "$(TAG)"

.PHONY: image
image: ## Build the container image IMAGE
	docker build --pull --tag "$(IMAGE)" .

.PHONY: image-test
image-test: install ## Start IMAGE on a model trained here, and ask it for one decision
	bash tools/image_test.sh "$(IMAGE)"

.PHONY: clean
clean: ## Remove what the tools wrote, .venv and .scorewright kept
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
