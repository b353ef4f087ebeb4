# `make demo` and `make test` need Python 3.11 or newer and make; a C++ compiler makes it fast. All else goes into .venv.
VENV ?= .venv
# An environment of its own, for what the benchmarks compare with takes two gigabytes.
BENCH := build/bench
# Another one for the benchmark of accuracy, three gigabytes.
ACCURACY := build/accuracy/venv
PIP := $(VENV)/bin/python -m pip --quiet --disable-pip-version-check
# Where the kernel can be built, the tests insist on it; where not, one line says what to install.
REQUIRE_KERNEL := if scripts/can-build-kernel $(VENV)/bin/python; then export GLASSNET_REQUIRE_KERNEL=1; fi
export PYTHON

# Whatever, when it changes, calls for another installation. Python files do not: the installation is editable.
SOURCES := pyproject.toml CMakeLists.txt $(wildcard src/kernel/*)

.PHONY: help demo gallery test check soak fuzz bench accuracy format clean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile
	@echo "Another Python: make test PYTHON=python3.12"

demo: $(VENV)/.demo ## Install into .venv and run examples/demo.py
	@$(VENV)/bin/python examples/demo.py

gallery: $(VENV)/.demo ## Explain two networks in every way; write docs/gallery.md with its pictures
	@$(VENV)/bin/python examples/gallery.py

test: $(VENV)/.test ## Install into .venv and run every test
	@$(REQUIRE_KERNEL); echo "Running the tests ..."; \
	OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m pytest --quiet --numprocesses auto --dist worksteal

check: $(VENV)/.dev ## Format, lint, direction, types and kernel warnings, cheapest first
	@scripts/check

soak: $(VENV)/.test ## Kill fits, fill disks, fit 100,000 networks; write the table of docs/promises.md (20 minutes)
	@$(VENV)/bin/python -m benchmarks.soak

fuzz: $(VENV)/.fuzz ## Hostile files, messages and formulas by the million (hours), or ARGS="models --runs 10000"
	@$(VENV)/bin/python -m fuzz $(ARGS)

bench: $(BENCH)/.bench ## Measure beside other libraries, all or ONLY=w2,inference; write docs/performance.md
	@$(BENCH)/bin/python -m benchmarks

accuracy: $(ACCURACY)/.accuracy ## Compare accuracy, all or ARGS="--only sk,lgbm --tables ames"; write docs/accuracy.md
	@$(ACCURACY)/bin/python -m benchmarks.accuracy $(ARGS)

format: $(VENV)/.dev ## Format Python and C++
	@$(VENV)/bin/ruff format
	@$(VENV)/bin/ruff check --fix --select I
	@$(VENV)/bin/clang-format -i src/kernel/*

clean: ## Remove .venv and everything built
	rm -rf $(VENV) build .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests examples -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/pip:
	@scripts/venv $(VENV)

# The demo runs without the kernel too.
$(VENV)/.demo: $(SOURCES) | $(VENV)/bin/pip
	@scripts/can-build-kernel $(VENV)/bin/python || true
	@echo "Installing glassnet (a minute or two) ..."
	@$(PIP) install --editable '.[plot,studio]'
	@touch $@

$(VENV)/.test: $(SOURCES) | $(VENV)/bin/pip
	@$(REQUIRE_KERNEL) >/dev/null; \
	echo "Installing glassnet and what its tests need (some minutes) ..."; \
	$(PIP) install --editable '.[test]'
	@touch $@ $(VENV)/.demo

$(VENV)/.dev: $(SOURCES) | $(VENV)/bin/pip
	@$(REQUIRE_KERNEL) >/dev/null; \
	echo "Installing glassnet and its developers' tools (some minutes) ..."; \
	$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.test $(VENV)/.demo

# atheris has libFuzzer in it, and runs on Linux.
$(VENV)/.fuzz: $(VENV)/.test
	@$(PIP) install --editable '.[test,fuzz]'
	@touch $@

$(BENCH)/bin/pip:
	@scripts/venv $(BENCH)

# A kernel of its own too, in another folder than the installation in $(VENV).
$(BENCH)/.bench: $(SOURCES) benchmarks/requirements.txt | $(BENCH)/bin/pip
	@echo "Installing glassnet and the libraries to compare with (some minutes) ..."; \
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt && \
	GLASSNET_REQUIRE_KERNEL=1 $(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check \
		--config-settings=build-dir=$(BENCH)/kernel --editable .
	@touch $@

$(ACCURACY)/bin/pip:
	@scripts/venv $(ACCURACY)

$(ACCURACY)/.peers: benchmarks/accuracy/requirements.txt | $(ACCURACY)/bin/pip
	@echo "Installing the libraries to compare accuracy with (some minutes) ..."; \
	$(ACCURACY)/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement benchmarks/accuracy/requirements.txt
	@touch $@

# A copy, so that what is edited meanwhile does not get into the results.
$(ACCURACY)/.accuracy: $(SOURCES) $(wildcard src/glassnet/*/*.py) $(ACCURACY)/.peers
	@echo "Installing glassnet as it is now ..."; \
	GLASSNET_REQUIRE_KERNEL=1 $(ACCURACY)/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-build-isolation --config-settings=build-dir=build/accuracy/kernel .
	@touch $@
