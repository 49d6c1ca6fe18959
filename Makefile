# Each target is a few commands that a person could type.
# The Python that makes the environment: 3.11, with its shared library.
PYTHON ?= python3.11
VENV := .venv
# Stages run as `python`: the environment's.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# What a shell or a Git hook says of another Python or another repository is not for what follows.
unexport $(filter PYTHON%,$(.VARIABLES)) $(shell git rev-parse --local-env-vars 2>/dev/null)
# Where packages come from is its user's to say, as in PIP_INDEX_URL; which, and where to, is not.
unexport PIP_DRY_RUN PIP_EDITABLE PIP_NO_BINARY PIP_NO_DEPS PIP_PREFIX PIP_PYTHON PIP_REQUIREMENT PIP_ROOT PIP_TARGET PIP_USER

CPP := $(wildcard triton/backends/onnxruntime/*.cc triton/backends/onnxruntime/*.h tests/serving/native/*.cc tests/serving/native/*.h benchmarks/*.cc)

# What `make gate` compares this working tree with.
REFERENCE ?= main
# The environment, and what some add to it.
PARTS := requirements requirements-s3
COMPILE := uv pip compile --quiet --no-header --no-emit-index-url --python-version 3.11 --python-platform x86_64-manylinux_2_36

# Of the damage that `make torture` does: another day, other damage. And how often it kills something.
SEED ?= $(shell date +%Y%m%d)
KILLS ?= 500

.PHONY: help environment repro check gate test test-fast coverage torture lint docs pins
.DEFAULT_GOAL := help

help:
	@echo "make repro       environment, data, the whole pipeline; results in reports/"
	@echo "make check       params.yaml, without running anything"
	@echo "make gate        this working tree against REFERENCE=main, side by side"
	@echo "make test        environment, checks of the code, every test"
	@echo "make test-fast   the tests that take a minute together"
	@echo "make coverage    every test, and which lines they run"
	@echo "make torture     kills at random moments and damaged input, about an hour; SEED=… tries others"
	@echo "make lint        format, lint and types"
	@echo "make docs        the documentation, into site/"
	@echo "make pins        requirements*.txt anew from requirements*.in, all parts together"

# The server's backend is compiled anew where its sources have changed: a few seconds.
environment: $(VENV)/installed
	@python src/assay/ground/workspace.py
	@python tools/build_backend.py

# The stamp comes last: an interrupted installation is taken up again.
$(VENV)/installed: requirements.txt
	@echo "==> 1. environment in $(VENV): 3 GB, a few minutes, only when requirements.txt changes"
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is missing; install with:"; \
		echo "  apt-get install --yes python3.11 python3.11-venv libpython3.11 g++"; exit 1; }
	$(PYTHON) tools/check_system.py
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --no-user --no-deps --quiet --disable-pip-version-check -r requirements.txt
	$(VENV)/bin/python -m pip check
	@touch $@

repro: environment
	@python -m assay.ground.rwlock
	@echo "==> 2. bundled data"
	dvc pull data.dvc
	@echo "==> 3. the pipeline: what changed since the last run, about 5 minutes the first time"
	dvc repro
	@echo "==> done: open reports/index.html; compare with 'dvc metrics diff' and 'dvc plots diff'"

check: environment
	python tools/check_params.py

# make ends with 2 whatever failed: where the exit code matters, run the script itself.
gate: environment
	python tools/gate.py $(REFERENCE)

lint: environment
	ruff format --check .
	ruff check .
	mypy
	clang-format --dry-run --Werror $(CPP)

docs: environment
	mkdocs build --strict

test: environment
	@echo "==> 2. format, lint, types, documentation"
	@$(MAKE) --no-print-directory lint docs
	@echo "==> 3. every test, about 10 minutes"
	pytest --numprocesses 2 --no-loadscope-reorder
	@echo "==> done: all checks passed; 'make repro' runs the pipeline itself"

coverage: environment
	pytest --numprocesses 2 --no-loadscope-reorder --cov --cov-report=
	coverage report
	coverage html --quiet
	@echo "==> done: htmlcov/index.html shows each line"

test-fast: environment
	pytest --numprocesses 3 -m "not slow"

torture: environment
	pytest tests/pipeline/test_fuzz.py tests/pipeline/test_mutations.py tests/pipeline/test_torture.py --capture=no \
		--seed $(SEED) --fuzz-seconds 300 --mutations 2000 --kills $(KILLS)

# First all parts together, so that an extra one only adds: their versions bind each part's own file.
pins:
	rm -f requirements-all.txt && cp requirements.txt requirements-all.txt
	$(COMPILE) $(PARTS:=.in) -o requirements-all.txt
	for part in $(PARTS); do \
		$(COMPILE) --generate-hashes --constraint requirements-all.txt $$part.in -o $$part.compiled && \
		{ echo "# Compiled from $$part.in by \`make pins\`; edit that file, not this one."; cat $$part.compiled; } > $$part.txt && \
		rm $$part.compiled || exit 1; \
	done
	rm requirements-all.txt
