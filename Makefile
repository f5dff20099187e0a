# Firstlight: two commands, `make run` and `make test`. Each does all of its own set-up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
ALONE := api bench deploy e2e fleet jobs  # whose slow tests run alone: they kill, flood and measure
TORCH_CPU := https://download.pytorch.org/whl/cpu
# What `make run` installs beside the basics: torch only where it is the engine, on a GPU or when asked for.
HAS_GPU := $(shell command -v nvidia-smi >/dev/null 2>&1 && echo yes; [ "$$(uname -sm)" = "Darwin arm64" ] && echo yes)
RUN_NEEDS := $(VENV)/.ready-run $(if $(HAS_GPU)$(filter torch,$(ENGINE)),$(VENV)/.ready-torch)
BOOTS := var/boots
BOOTED = $(shell find ami docker cli jobs model photos worker constraints.txt -type f ! -name '*.pyc' ! -name '*.md')

.DEFAULT_GOAL := help
.PHONY: help run run-cloud bake bake-clean deploy destroy try-boot test test-all test-web lint format bench bench-web simulate images try-images clean

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_NEEDS)  ## Install what is needed and run the service on http://127.0.0.1:8080 (PORT=…)
	@exec $(BIN)/firstlight up --page

run-cloud: $(VENV)/.ready-test  ## Run the cloud configuration without an account, on a stand-in for AWS
	@exec $(BIN)/firstlight rehearse

deploy: $(VENV)/.ready-cloud  ## Put it into an AWS account with Terraform; shows the plan and asks (AUTO=1: does not)
	@$(BIN)/python -m deploy apply

destroy: $(VENV)/.ready-cloud  ## End its machines and take everything out of the account again (asks; AUTO=1)
	@$(BIN)/python -m deploy destroy

bake: $(VENV)/.ready-cloud  ## Bake the machine images that deploy takes, with Packer (FLAVOURS="cpu gpu")
	@ami/bake.sh

bake-clean: $(VENV)/.ready-cloud  ## Tell which machine images are old (KEEP=1 of each flavour stays); YES=1 removes them
	@PYTHONPATH=. $(BIN)/python ami/clean.py --keep $(or $(KEEP),1) $(if $(YES),--yes)

try-boot: $(BOOTS)/.ended  ## Boot a machine image in QEMU, let it brighten a photo and end itself (Linux, root, minutes)
	@rm $(BOOTS)/.booted $(BOOTS)/.ended  # seen to its end: the next call boots again

# Each step once: a call after one that was stopped goes on where that ended.
$(BOOTS)/.ended: $(BOOTS)/.booted
	@$(BIN)/python -m bench.boots ends && touch $@
$(BOOTS)/.booted: $(BOOTS)/ours.img
	@$(BIN)/python -m bench.boots run ours && touch $@
$(BOOTS)/ours.img: $(BOOTED) | $(VENV)/.ready-test
	@$(BIN)/python docker/trial.py --no-runs --export var/worker.tar
	@$(BIN)/python -m bench.boots build ours --image var/worker.tar && rm var/worker.tar

test: $(VENV)/.ready-test  ## Install what is needed and run the tests (a few minutes)
	$(BIN)/pytest -m "not slow" -n 2

test-all: $(VENV)/.ready-test $(VENV)-ministack/.ready  ## The slow suites: end to end under kills, hangs, floods and small memory
	$(BIN)/pytest -m slow -n 2 $(addprefix --ignore=tests/,$(ALONE))
	$(BIN)/pytest -m slow -s $(addprefix tests/,$(ALONE))

test-web: $(VENV)/.ready-test  ## The page: types, style, unit tests, and Chromium against the real service
	$(BIN)/python -m tests.web

lint: $(VENV)/.ready-lint  ## Style, types, and the arrows between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.ready-lint  ## Let ruff lay out the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.ready-test  ## Measure the way of a photo, and the old network, side by side
	$(BIN)/firstlight bench

bench-web: $(VENV)/.ready-test  ## How soon the page shows a preview, in Chromium (after make test-web, which fetches Playwright)
	$(BIN)/python -m bench.page

images:  ## Build the container images (FLAVOURS="cpu gpu", DIGEST=@sha256:… of the base)
	@DIGEST="$(DIGEST)" sh docker/images.sh $(or $(FLAVOURS),cpu)

try-images: $(VENV)/.ready-test  ## Build the images without Docker and try them (root, Debian; twelve minutes)
	@$(BIN)/python docker/trial.py $(if $(TORCH),--torch $(TORCH))

simulate: $(VENV)/.ready-test  ## Compare what policies cost and how long people wait, under a virtual clock
	@exec $(BIN)/firstlight simulate $(ARGS)

clean:  ## Remove what make installed; photos and jobs under var/ stay
	rm -rf $(VENV) $(VENV)-ministack

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else 1)' || { \
	  echo "Firstlight needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
	  echo "Install one of them, then: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "This Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv"; \
	  rm -rf $(VENV); exit 1; }

$(VENV)/.ready-run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what Firstlight needs (once; a minute or two)"
	@$(PIP) install -q -c constraints.txt -e .
	@touch $@

$(VENV)/.ready-torch: constraints.txt | $(VENV)/.ready-run
	@if [ -n "$(HAS_GPU)" ]; then \
	  echo "Installing torch with GPU support"; $(PIP) install -q -c constraints.txt torch; \
	elif $(BIN)/python -c 'import urllib.request as u; u.urlopen("$(TORCH_CPU)/torch/", timeout=5)' 2>/dev/null; then \
	  echo "Installing torch for the CPU"; $(PIP) install -q -c constraints.txt --extra-index-url $(TORCH_CPU) torch; \
	else \
	  echo "Installing torch from the default index (PyTorch's own cannot be reached)"; \
	  $(PIP) install -q -c constraints.txt torch; \
	fi
	@touch $@

$(VENV)/.ready-cloud: $(VENV)/.ready-run
	@$(PIP) install -q -c constraints.txt -e '.[cloud]'
	@touch $@

$(VENV)/.ready-test: $(VENV)/.ready-run $(VENV)/.ready-torch
	$(PIP) install -q -c constraints.txt -e '.[test,cloud,torch]'
	@touch $@

# A newer ministack, which enforces IAM; apart, because it wants a botocore of its own.
$(VENV)-ministack/.ready: | $(BIN)/python
	@$(PYTHON) -m venv $(VENV)-ministack
	@$(VENV)-ministack/bin/pip --disable-pip-version-check install -q 'ministack==1.5.33'
	@touch $@

$(VENV)/.ready-lint: $(VENV)/.ready-test
	$(PIP) install -q -c constraints.txt -e '.[lint,test,cloud,torch]'
	@touch $@
