# Everything sets up what it needs first. `make` alone lists what there is.
BIN := .venv/bin
ARGS ?=
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo test check test-bluez conformance machines mutants kills bench soak planted lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile

setup: ## build .venv with .venv/bin/retrowalk (PYTHON=... to choose the Python)
	@.ci/setup

demo: setup ## one whole session on a simulated treadmill (ARGS="--machine mph" and the like)
	@$(BIN)/retrowalk demo $(ARGS)

check: setup ## lint, types and import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "not formatted: run $(BIN)/ruff format"; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

test: check ## check, the laws and the door (covered to the last branch), then all the other tests
	@$(BIN)/python -m pytest -n 2 tests/core tests/belt --cov --cov-report=
	@$(BIN)/coverage report
	@$(BIN)/python -m pytest -n 2 --ignore tests/core --ignore tests/belt

test-bluez: setup ## the tests over the real BlueZ of Debian 12 and 13, in QEMU (docs/bluez.md): minutes
	@$(BIN)/python -m tests.bluez.image
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-bluez-bookworm test-bluez-trixie

test-bluez-%: # of Debian 12 (bookworm) or 13 (trixie)
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m $* tests/bluez $(ARGS)

conformance: setup ## the SIG's cases against `retrowalk simulate` in a process of its own: minutes (ARGS="--transport usb:0" and the like)
	@$(BIN)/python -m pytest tests/conformance --transport process $(ARGS)

soak: setup ## simulated hours, drawn from a seed: HOURS=20 SEED=1 JOBS=2; SEED=n alone: that seed; COMPILED=1 (docs/soak.md)
	@PYTHONPATH=. $(BIN)/python -m tests.soak$(if $(COMPILED),.compiled) $(if $(HOURS),--hours $(HOURS)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(JOBS),--jobs $(JOBS)) $(if $(ONLY),--only $(ONLY)) $(ARGS)

machines: setup ## run a session on every machine of config/treadmills, write what became of it into docs/treadmills.md
	@PYTHONPATH=. $(BIN)/python -m tests.machines

mutants: setup ## every small slip in the guard and the door, one at a time: does a test see it? (FILES="belt.py core/guard.py"; FILES=ble/link.py TESTS=tests/ble; SINCE=a revision)
	@$(BIN)/python -m tests.mutation $(FILES) $(if $(TESTS),--tests $(TESTS)) $(if $(SINCE),--since $(SINCE))

kills: setup ## the daemon killed (-9) at every stage of a session, park after it: real processes, minutes
	@$(BIN)/python -m pytest -n 2 -m 'long or not long' tests/processes

planted: setup ## a table of bugs, each planted in a copy of the tree and soaked until it is caught
	@PYTHONPATH=. $(BIN)/python -m tests.soak.plant $(ARGS)

bench: setup ## the figures the README states
	@for bench in benchmarks/*.py; do $(BIN)/python $$bench || exit 1; done

lock: ## pin all dependencies anew in requirements.txt (needs uv or the network)
	@uv=$$(command -v uv) || { python3 -m venv build/uv && build/uv/bin/pip install -q uv && uv=build/uv/bin/uv; }; \
	$$uv pip compile pyproject.toml --extra demo --group dev --group build --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.txt

clean: ## remove everything that was built
	rm -rf .venv build dist .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
