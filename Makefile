# Everything happens in .venv; nothing outside the checkout is touched, but for Debian packages that root installs.
PYTHON ?=
ARGS ?=
BIN := .venv/bin
PACKAGE := pyproject.toml script/setup

.PHONY: setup run test check fix lock docs bench bench-peer bench-scale bench-profile exchange clean

setup: .venv/.runtime  ## .venv with mailkeep in it

run: setup  ## a throw-away server with a demo account; ARGS="--port-base 0" and the like are passed on
	@exec $(BIN)/mailkeep demo $(ARGS)

test: .venv/.test  ## everything that can be tested on this machine, with real mail clients
	script/tests-setup
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

check: .venv/.test  ## the fast inner loop: format, lint, types, import rules, unit and contract tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src bench
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/unit tests/contract tests/architecture

fix: .venv/.test  ## format, and repair what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.runtime  ## the generated reference pages
	$(BIN)/python -m mailkeep.testing.reference docs/reference

bench: setup  ## every workload against a fresh server: a table, and JSON in bench/results; ARGS="--seconds 1 --messages 2000"
	$(BIN)/python -m bench.run $(ARGS)

bench-peer: setup  ## the same beside Debian's Dovecot, in turn; as root
	$(BIN)/python -m bench.peer $(ARGS)

exchange: setup  ## two mailkeep servers and a Postfix exchange 10,000 messages while they are killed; as root; ARGS="--seed 1"
	$(BIN)/python -m tests.exchange $(ARGS)

bench-scale: setup  ## how time and memory grow with messages, accounts and idle connections
	$(BIN)/python -m bench.scale $(ARGS)

bench-profile: setup  ## where the time of each hot path goes, into docs/profiles.md; needs perf, and py-spy if it is there
	$(BIN)/python -m bench.profile $(ARGS)

lock:  ## write the locks anew from pyproject.toml; needs uv
	script/lock

clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/*.egg-info

.venv/.runtime: requirements/runtime.lock $(PACKAGE)
	PYTHON="$(PYTHON)" script/setup runtime

.venv/.test: requirements/test.lock $(PACKAGE)
	PYTHON="$(PYTHON)" script/setup test
