# Two commands matter: `make run` and `make test`.  Each sets up what it needs by itself.

# Debian's own is built with profile-guided optimisation: packets cost a sixth less than with a plain build before it in PATH.
PYTHON := $(shell /usr/bin/python3.11 -c 'import ensurepip, sys; print(sys.executable)' 2>/dev/null \
	|| command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
SUDO   := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.PHONY: run test setup chromium postgresql espeak check bench lock clean help

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

run: setup ## a whole demo meeting on this machine: server, eight synthetic sites, link and login
	$(BIN)/mcu demo

test: setup chromium postgresql espeak check ## everything: lint, types, unit, integration with real peers, real Chromium
	$(BIN)/python -m pytest --numprocesses 2

check: setup ## lint and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m endpoint_client.build --check

bench: setup chromium espeak ## every benchmark, with a report in bench.html
	$(BIN)/mcu bench all --report bench.html

setup: $(VENV)/.installed ## virtual environment, locked dependencies, pages; leaves .venv/bin/mcu
	@$(BIN)/python -m endpoint_client.build

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Cần Python 3.11 trở lên. / Python 3.11 or newer is needed."; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "python3-venv is missing: installing it with apt-get."; \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

chromium:
	@command -v chromium >/dev/null || { \
	  echo "Installing Debian's Chromium for the browser tests."; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq chromium; } \
	  || echo "Chromium could not be installed: the browser tests will say so and be skipped."

postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { \
	  echo "Installing Debian's PostgreSQL for the tests of both databases; they start a server of their own."; \
	  $(SUDO) mkdir -p /etc/postgresql-common/createcluster.d; \
	  echo "create_main_cluster = false" | $(SUDO) tee /etc/postgresql-common/createcluster.d/mcu.conf >/dev/null; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq postgresql; } \
	  || echo "PostgreSQL could not be installed: its tests will say so and be skipped."

espeak:
	@command -v espeak-ng >/dev/null || { \
	  echo "Installing Debian's espeak-ng, which says the sentences that the line benchmark listens to."; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq espeak-ng; } \
	  || echo "espeak-ng could not be installed: a voice without words takes its place, and the benchmark says so."

lock: ## resolve requirements.lock anew, hashes but no index addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet pyproject.toml --all-extras --generate-hashes --no-header \
	  --no-annotate --python-version 3.11 --python-platform x86_64-manylinux_2_34 -o requirements.lock

clean: ## remove everything that was made here
	rm -rf $(VENV) endpoint_client/static endpoint_client/web/node_modules var artefacts
