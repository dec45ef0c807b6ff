# Everything is made from what is committed: needs make, Terraform and Python 3.11 or newer, nothing installed by hand.
# What is made lies in .venv and build, which git ignores.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

# Nothing newer gets into a lock, so that locking again another day gives the same.
EXCLUDE_NEWER := 2026-11-14

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
BIN := .venv/bin
PYTHON_FOLDERS := python tests tools bench examples
READY := .venv/ready-for-layerwright

# Settings of whoever calls that would decide for us; a TF_CLI_CONFIG_FILE may even name a file that is gone.
unexport TF_CLI_ARGS TF_CLI_CONFIG_FILE TF_DATA_DIR TF_PLUGIN_CACHE_DIR TF_WORKSPACE VIRTUAL_ENV

.PHONY: help
help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: demo
demo: $(READY) ## layers and a function on a local AWS: apply, invoke, change, apply, destroy
	$(BIN)/python tools/demo.py

.PHONY: test
test: $(READY) locks ## all tests; ARGS="tests/unit -k lock" chooses, ARGS="-n 0" runs one after the other
	@$(BIN)/python tools/providers.py >/dev/null
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

.PHONY: lint
lint: $(READY) ## style and types of the Python, style and validity of the Terraform
	@$(MAKE) --keep-going --no-print-directory lint-style lint-format lint-types lint-terraform lint-versions lint-docs lint-validity

.PHONY: lint-style lint-format lint-types lint-terraform lint-versions lint-docs lint-validity
lint-style:
	$(BIN)/ruff check $(PYTHON_FOLDERS)
lint-format:
	$(BIN)/ruff format --check $(PYTHON_FOLDERS)
lint-types:
	$(BIN)/mypy
lint-terraform:
	terraform fmt -check -recursive versions.tf modules examples
lint-versions:
	$(BIN)/python tools/versions.py --check
lint-docs:
	$(BIN)/python tools/docs.py --check
# In a copy, as Terraform's lock file may name the stand-in and would refuse the genuine provider later.
lint-validity:
	@$(BIN)/python tools/providers.py --output build/terraform.tfrc >/dev/null
	@rm -rf build/validity && mkdir -p build/validity && cp -R versions.tf modules examples python build/validity
	@find build/validity -name .terraform.lock.hcl -delete
	@export TF_CLI_CONFIG_FILE="$(CURDIR)/build/terraform.tfrc"; cd build/validity; \
	for folder in modules/*/ examples/*/; do \
		echo "terraform validate $$folder"; \
		terraform -chdir=$$folder init -backend=false -input=false -no-color >init.log 2>&1 || { cat init.log; exit 1; }; \
		terraform -chdir=$$folder validate -no-color || exit 1; \
	done

.PHONY: check
check: lint test ## what CI runs

.PHONY: docs
docs: $(READY) ## the parts of the documentation that the code knows
	$(BIN)/python tools/docs.py

.PHONY: differential
differential: $(READY) ## layers of the 100 most downloaded distributions beside what uv and pip install
	$(BIN)/python -m pytest tests/integration/test_most_downloaded.py --all-distributions $(ARGS)

.PHONY: bench
bench: $(READY) ## ours beside what people use today
	$(BIN)/python bench/build.py

.PHONY: locks
locks: $(READY) $(patsubst %/pyproject.toml,%/uv.lock,$(shell find examples -name pyproject.toml)) ## lock files of the examples

examples/%/uv.lock: examples/%/pyproject.toml
	$(BIN)/uv lock --quiet --directory $(@D) --exclude-newer $(EXCLUDE_NEWER)
	@touch $@

.PHONY: requirements
requirements: $(READY) ## what we depend on, locked anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 --exclude-newer $(EXCLUDE_NEWER) --group dev pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 --exclude-newer $(EXCLUDE_NEWER) -c requirements-dev.txt pyproject.toml -o python/requirements.txt

.PHONY: versions
versions: $(READY) ## the Terraform and provider constraints of versions.tf, copied to each module
	$(BIN)/python tools/versions.py

$(READY): requirements-dev.txt
	@test -n "$(PYTHON)" || { echo 'no Python 3.11 or newer is on PATH: install one, or say PYTHON=/path/to/python3'; exit 1; }
ifeq ($(UV),uv)
	uv venv --quiet --allow-existing --no-project --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	uv pip sync --quiet --python $(BIN)/python --require-hashes --only-binary :all: requirements-dev.txt
else
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.txt
endif
	@touch $@
