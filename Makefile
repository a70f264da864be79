# On a machine with Python 3.11+ and make: everything else is installed into .venv.

PROFILE ?= quick
SCALE ?= cpu
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
# Test files at a time: most of their time is Python's, tracing; a notebook's cells stay together.
AT_ONCE ?= 2

export TF_CPP_MIN_LOG_LEVEL ?= 3

# Two processes that each start as many threads as there are cores take up to twice as long.
unit chapters: export OMP_NUM_THREADS ?= 1
unit chapters: export TF_NUM_INTRAOP_THREADS ?= 1
unit chapters: export TF_NUM_INTEROP_THREADS ?= 1
# On one thread and images of 8x8, TensorFlow's own kernels take a fifth less than oneDNN's.
chapters: export TF_ENABLE_ONEDNN_OPTS ?= 0

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help env book student test lint unit chapters pages shots bench survey notebooks format torch peers ray clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(STAMP) ## Install what uv.lock says into .venv
	@echo "$(VENV) is ready"

# Only when the lock or the project's own dependencies have changed.
$(STAMP): uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (once; a minute or two)"
	@if uv --version > /dev/null 2>&1; then uv=uv; else \
	  test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv || exit 1; uv=$(BIN)/uv; fi; \
	UV_PROJECT_ENVIRONMENT=$(VENV) $$uv sync --quiet --frozen --inexact --compile-bytecode --python $(BIN)/python --extra book --extra tensorflow --extra jax
	@touch $@

book: $(STAMP) ## Make the book: PROFILE=quick (default), book (real data) or survey (GPU)
	@$(BIN)/python -m tools.book --profile $(PROFILE)

student: $(STAMP) ## Make the edition without solutions: _build/quick/student/html
	@$(BIN)/python -m tools.book --student

# The pages are made in what the other parts leave of the cores; what goes wrong there is said by `pages`, which tries again.
test: $(STAMP) ## Run every check: lint, unit, chapters, pages
	@start=$$(date +%s); nice $(BIN)/python -m tools.book --as-kept > /dev/null 2>&1 & making=$$!; trap 'kill $$making 2> /dev/null' EXIT; \
	for part in lint unit chapters pages; do \
	  began=$$(date +%s); test $$part = pages && wait $$making; $(MAKE) --no-print-directory $$part || exit 1; \
	  took="$$took$${took:+, }$$part $$(( $$(date +%s) - began )) s"; \
	done; echo "make test: everything passed in $$(( $$(date +%s) - start )) s ($$took)"

lint: $(STAMP) ## Check style (of notebooks too), who imports whom, types, and what nobody uses
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/lint-imports --no-logo && $(BIN)/mypy && $(BIN)/vulture

unit: $(STAMP) ## Run the tests of the package, the command line and the project's files
	@$(BIN)/python -m pytest -q -n $(AT_ONCE) --dist loadfile --no-loadscope-reorder tests --ignore tests/book/pages

chapters: $(STAMP) ## Run the chapters and compare what they print with their kept outputs (nbval)
	@$(BIN)/python -m pytest -q -n $(AT_ONCE) --dist loadfile --no-loadscope-reorder --nbval --nbval-current-env book

# From the kept outputs: `chapters` has just compared them with a run.
pages: $(STAMP) ## Make pages of the kept outputs and check them, in a browser if there is one
	@$(BIN)/python -m tools.book --as-kept
	@$(BIN)/python -m pytest -q -rs -n $(AT_ONCE) -m "not timed" tests/book/pages
	@$(BIN)/python -m pytest -q -rs -m timed tests/book/pages

shots: $(STAMP) ## Pictures of every page, narrow and wide, light and dark: _build/shots
	@$(BIN)/python -m tools.book --as-kept && $(BIN)/python tests/browser.py

bench: $(STAMP) torch peers ## Measure ganad beside its peers (twenty minutes): results/bench.csv
	@$(BIN)/python -m benchmarks

survey: $(STAMP) ## Do what the grid of the reproduction lacks: SCALE=cpu (default) or full
	@$(BIN)/ganad survey run --scale $(SCALE)

notebooks: $(STAMP) ## Run the chapters with the quick profile and keep their outputs in book/
	@$(BIN)/python -m tools.book --keep-outputs

format: $(STAMP) ## Format the code, of notebooks too, and mend what can be mended
	@$(BIN)/ruff check --fix --quiet; $(BIN)/ruff format

# By pip, not from uv.lock: the lock names the index's CUDA wheels for Linux, gigabytes of them, which uv would
# install as they are.  pip takes a CPU build where one of its configured sources has it.
torch: $(STAMP) ## Add PyTorch, for the tests of its backend
	@$(BIN)/python -c 'import torch' 2> /dev/null || $(BIN)/python -m pip install --quiet torch==2.13.0

# anomalib without what it asks for (Lightning and more): its networks need PyTorch alone.
peers: $(STAMP) ## Add PyOD and anomalib, for the benchmark
	@$(BIN)/python -c 'import pyod' 2> /dev/null || $(BIN)/python -m pip install --quiet pyod==3.6.7
	@$(BIN)/python -c 'import importlib.metadata as m; m.version("anomalib")' 2> /dev/null \
	|| $(BIN)/python -m pip install --quiet --no-deps anomalib==2.7.0

ray: $(STAMP) ## Add Ray, for sweeps on many machines and their test
	@$(BIN)/python -c 'import ray' 2> /dev/null || $(BIN)/python -m pip install --quiet ray==2.60.0

clean: ## Remove what was made, but for .venv
	rm -rf _build .pytest_cache .ruff_cache
