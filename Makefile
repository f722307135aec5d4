# The commands of this repository; README.md explains them. Nothing but Python 3.11+ and make is needed.

PYTHON ?= python3
VENV ?= .venv
# The tested version first, so that nothing else pulls another build of it. README.md tells how to choose the build.
TORCH ?= torch==2.13.0
ARGS ?=
BIN := $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
endif

# Tests start hundreds of programs, so what Python compiles is kept, also where the environment says otherwise.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
# Four tests at once, also on two cores: they often wait for programs that they have started. Those on the Docker
# engine, of which there is one, run one after the other.
SIDE_BY_SIDE := --numprocesses 4 --dist worksteal

.PHONY: train test test-all test-car check lint types docs format benchmarks wheel lock clean

train: $(VENV)/.installed ## train the default model on the default track, then drive it
	$(BIN)/dr init . < /dev/null
	$(BIN)/dr start-training $(ARGS)
	$(BIN)/dr evaluate

test: $(VENV)/.developing ## the tests that are quick and need no Docker
	$(PYTEST) $(SIDE_BY_SIDE) -m "not slow and not docker" $(ARGS)

test-all: test ## and those that train for long, and those that need a Docker engine
	$(PYTEST) $(SIDE_BY_SIDE) -m "slow and not docker" $(ARGS)
	$(PYTEST) -m docker $(ARGS)

test-car: $(VENV)/.developing ## our graphs and checkpoints in real TensorFlow and OpenVINO (some GB)
	$(BIN)/python -m pip install --quiet --group car
	$(PYTEST) tests/train/test_car_graph.py tests/train/test_car_graph_of_sensors.py tests/train/test_tensorflow_checkpoint.py

check: lint types test ## what a change has to pass

lint: $(VENV)/.developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.developing
	$(BIN)/mypy

format: $(VENV)/.developing
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

docs: $(VENV)/.installed ## write the pages and templates that are made from the code
	$(BIN)/python -m drcli.config.reference
	$(BIN)/python -m drcli.cli.pages

benchmarks: $(VENV)/.installed ## speed: tables of ratios, medians over seeds
	$(BIN)/python -m benchmarks $(ARGS)

wheel: $(VENV)/.installed ## build the package: dist/drcli-VERSION-py3-none-any.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

# Resolved for macOS, where torch asks for nothing of CUDA; the versions are the same and the hashes are those of all
# platforms. Versions stay as they are unless ARGS=--upgrade. torch is not in it: its build depends on the index.
lock: $(VENV)/.installed ## pin the packages of our image: compose/requirements.lock
	$(BIN)/python -m pip install --quiet uv
	echo $(firstword $(TORCH)) | MACOSX_DEPLOYMENT_TARGET=14.0 $(BIN)/uv pip compile pyproject.toml - --quiet \
		--python-platform macos --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-package torch \
		--custom-compile-command "make lock" --output-file compose/requirements.lock $(ARGS)

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.developing: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group dev
	touch $@
