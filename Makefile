# The commands of this repository. `make run` and `make test` need Python 3.11 or newer and nothing else of ours.

PYTHON ?= python3
BIN := .venv/bin
LOCKED := .venv/.locked-base
TESTED := .venv/.locked-tests
DRAWN := .venv-docs/.locked

.PHONY: run test check bench proof parts docs lock clean

run: $(LOCKED)  ## the gateway on 8080 with the demo model behind it, the admin plane on 8081
	@$(BIN)/gateway serve --demo --data .data/run

test: $(TESTED) parts  ## the whole suite
	$(BIN)/pytest -n 2 --dist loadgroup

check: $(TESTED)  ## lint, formatting, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(TESTED) parts  ## throughput and added latency, in one run, as ratios
	$(BIN)/python -m tests.bench.run

proof: $(TESTED) parts  ## soaks, simulations and sweeps that are too long for the suite
	PROOF=1 $(BIN)/pytest -m proof --timeout 3600

parts: .parts/ready  ## a real redis-server for the tests
.parts/ready: .ci/parts | $(TESTED)
	@.ci/parts $(BIN)/python
	@touch $@

docs: $(TESTED) $(DRAWN)  ## what is generated: policy reference and schema, metrics, pictures
	$(BIN)/python -m gateway policy schema --out policies/policy.schema.json
	$(BIN)/python -m tests.proof.runs | .venv-docs/bin/python -m tests.proof.pictures

lock:  ## choose versions anew; needs uv
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade pyproject.toml --group build -o deploy/requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade pyproject.toml --group dev -o tests/requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --group docs -o docs/requirements.lock

$(LOCKED): deploy/requirements.lock pyproject.toml
	@.ci/install $(PYTHON) deploy/requirements.lock
	@touch $@

$(TESTED): tests/requirements.lock pyproject.toml
	@.ci/install $(PYTHON) tests/requirements.lock
	@touch $@ $(LOCKED)

$(DRAWN): docs/requirements.lock
	@$(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r docs/requirements.lock
	@touch $@

clean:
	rm -rf .venv .venv-docs .parts .data build dist .mypy_cache .ruff_cache .hypothesis
