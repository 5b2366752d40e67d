# Each target works as the first command on a fresh clone; what is already there is not done again.
#   make chat    install, then serve the page and print its address   (PORT=7860 HOST=127.0.0.1)
#   make test    install with the tests' needs, fetch the weights, run every test
#   make setup   install and fetch the weights
#   make bench | bench-retrieval | bench-injection | screenshots      (ARGS="…" is passed on)

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; \
  done || true)
# None new enough: let python3 itself say so.
ifeq ($(strip $(PYTHON)),)
PYTHON := python3
endif

HOST ?= 127.0.0.1
PORT ?= 7860
VENV := .venv/bin

.PHONY: chat setup test bench bench-retrieval bench-injection screenshots

chat:
	@$(PYTHON) scripts/install.py --port $(PORT)
	@$(VENV)/mustanad ui --host $(HOST) --port $(PORT)

setup:
	@$(PYTHON) scripts/install.py
	@$(VENV)/mustanad models pull

test:
	@$(PYTHON) scripts/install.py --test
	@scripts/system-packages
	@$(VENV)/mustanad models pull
	MUSTANAD_REQUIRE_WEIGHTS=1 $(VENV)/python -m pytest $(ARGS)

bench bench-retrieval bench-injection:
	@$(PYTHON) scripts/install.py --test
	@$(VENV)/mustanad models pull
	@$(VENV)/python -m benchmarks.$(MODULE_$@) $(ARGS)

MODULE_bench := stock
MODULE_bench-retrieval := retrieval
MODULE_bench-injection := injection

screenshots:
	@$(PYTHON) scripts/install.py --test
	@scripts/system-packages
	@$(VENV)/mustanad models pull
	@$(VENV)/python -m ui.screenshots $(ARGS)
