# make bench and make test need python3 (3.11 or later) and nothing else; make PYTHON=... names another.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.setup-done

.PHONY: help setup bench test check speed lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

setup: $(STAMP) ## .venv with the locked dependencies; does nothing when it is up to date

$(STAMP): requirements.lock pyproject.toml tools/setup.sh
	@tools/setup.sh "$(PYTHON)"
	@touch $@

bench: setup ## the main job: compare the topologies, a few minutes, ends with the path of a report
	@$(BIN)/brokerbench run quick

test: setup ## the tests: four processes, then those that need the machine for themselves
	@$(BIN)/python -m pytest -p tests.lanes -n 4 -m "not alone"
	@$(BIN)/python -m pytest -m alone

check: setup ## what CI runs: format, lint, types, imports, lock, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	! grep -n '://' requirements.lock
	@$(MAKE) --no-print-directory test

speed: setup ## REST under wrk, as ratios to Tornado's hello-world (needs wrk); a minute
	@$(BIN)/python -P -m bench.speed

lock: ## requirements.lock from pyproject.toml, by uv; UV_FLAGS=--upgrade for the newest releases
	@PATH="$(BIN):$$PATH" && command -v uv >/dev/null || \
		{ echo "make lock needs uv, which $(BIN)/python -m pip install uv brings" >&2; exit 1; }
	@PATH="$(BIN):$$PATH" && uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras \
		--generate-hashes --no-header --quiet $(UV_FLAGS) -o requirements.lock

clean: ## removes what the other targets made, but not results/
	rm -rf .venv build *.egg-info .coverage* .hypothesis .*_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
