PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BACKENDS := .venv-backends
# The demos run in what `make setup` made, if it did; else in an environment of their own, which is smaller.
DEMOS := $(if $(wildcard $(VENV)/.ready),$(VENV),.venv-demo)
OLDEST_PYTHON := 3.11
ARGS ?=
N ?= 2000

.DEFAULT_GOAL := help
.PHONY: help setup check test test-whole compare kill-tests fuzz fuzz-operations fuzz-generators backends compatibility habits docs demo demo-generate demo-translate bench bench-recurrent bench-generation bench-language-models bench-translation clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

define CHECK_PYTHON
@command -v $(firstword $(PYTHON)) > /dev/null || { echo "There is no $(PYTHON): name a Python $(OLDEST_PYTHON) or later, such as PYTHON=python3.12." >&2; exit 1; }
@$(PYTHON) -c "import sys; v = sys.version_info; v >= tuple(map(int, '$(OLDEST_PYTHON)'.split('.'))) or sys.exit('keras-seqkit needs Python $(OLDEST_PYTHON) or later, and $(PYTHON) is %d.%d.%d: name another, such as PYTHON=python3.12.' % tuple(v[:3]))"
endef

$(VENV)/.ready: pyproject.toml
	$(CHECK_PYTHON)
	@echo "Making $(VENV) with all that the suite needs: minutes, and 3.3 GB of disk. pip is silent meanwhile."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

.venv-demo/.ready: pyproject.toml
	$(CHECK_PYTHON)
	@echo "Making .venv-demo with TensorFlow, Keras, onnxruntime, scikit-learn and matplotlib: minutes, and 2.2 GB of disk. pip is silent meanwhile."
	@$(PYTHON) -m venv .venv-demo
	@.venv-demo/bin/python -m pip install --quiet --upgrade pip
	@.venv-demo/bin/python -m pip install --quiet --editable '.[demo]'
	@touch $@
	@echo "Made .venv-demo; rm -r .venv-demo removes it."

setup: $(VENV)/.ready  ## make .venv with all that the suite needs

check: setup  ## ruff, ruff format, pyright, import-linter, and the docs built strictly
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict

test: setup  ## the test suite; of long tables, some rows
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

test-whole: setup  ## the test suite with all rows of all tables (half an hour)
	WALK=whole $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

compare: setup  ## the files of this checkout against those of another: operators, answers, time; make compare WITH=../before
	$(BIN)/python benchmarks/comparison_of_checkouts.py $(WITH) $(ARGS)

kill-tests: setup  ## trainings that are killed at random moments and go on, compared with undisturbed ones; N=50 each, ARGS="--seed 7"
	$(BIN)/python -m tests.killed_training --kills $(if $(filter file,$(origin N)),50,$(N)) $(ARGS)

fuzz: setup  ## random models, exported and compared with Keras (about a second each); make fuzz N=200 ARGS="--seed 7"
	$(BIN)/python -m tests.fuzzing --models $(N) $(ARGS)

fuzz-operations: setup  ## random calls of keras.ops and of layers, exported and compared; make fuzz-operations N=500 ARGS="--seed 7"
	$(BIN)/python -m tests.fuzzing_operations --cases $(N) $(ARGS)

fuzz-generators: setup  ## what generators write in Keras and in their files, by all samplers; N=1000 ARGS="--seed 7"
	$(BIN)/python -m tests.fuzzing_generators --cases $(N) $(ARGS)

$(BACKENDS)/.ready: pyproject.toml
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(BACKENDS)
	$(BACKENDS)/bin/python -m pip install --quiet --editable '.[backends]'
	touch $@

backends: setup $(BACKENDS)/.ready  ## train on JAX and PyTorch where there is no TensorFlow, export here, compare
	BACKENDS_PYTHON=$(BACKENDS)/bin/python $(BIN)/python -m pytest tests/backends $(ARGS)

compatibility: setup  ## one set of files under the oldest and the newest onnxruntime; ARGS="1.24.4 1.26.0" for others
	$(BIN)/python -m tests.compatibility $(ARGS)

habits: setup  ## what Keras users write, tried on all models; writes docs/habits.md (minutes)
	$(BIN)/python -m tests.habits $(ARGS)

docs: setup  ## build the site into site/
	$(BIN)/mkdocs build --strict

demo: $(DEMOS)/.ready  ## real reviews to one ONNX file; ARGS="--data my.csv --text review --label stars" for your own
	@echo "Starting TensorFlow ..."
	@$(DEMOS)/bin/python docs/demos/classify.py $(ARGS)

demo-generate: $(DEMOS)/.ready  ## what Sheldon says to one ONNX file that writes; ARGS="--data my.txt" for your own, "--character penny"
	@echo "Starting TensorFlow ..."
	@$(DEMOS)/bin/python docs/demos/generate.py $(ARGS)

demo-translate: $(DEMOS)/.ready  ## Portuguese to English in one ONNX file; ARGS="--data pairs.tsv" for your own, "--corpus verses"
	@echo "Starting TensorFlow ..."
	@$(DEMOS)/bin/python docs/demos/translate.py $(ARGS)

bench: setup  ## the tables of ratios (minutes each; run alone)
	$(BIN)/python benchmarks/classifier_latency.py
	$(BIN)/python benchmarks/glove_loading.py
	$(BIN)/python benchmarks/accuracy.py

bench-generation: setup  ## writing text: the textbook loop, Keras, a step model, PyTorch and one file (minutes; run alone)
	$(BIN)/python -m pip install --quiet 'torch>=2.13,<2.14'
	$(BIN)/python benchmarks/generation.py $(ARGS)

bench-language-models: setup  ## nats a character on Shakespeare: LSTM against 5-gram Kneser-Ney (half an hour; run alone)
	$(BIN)/python benchmarks/language_models.py $(ARGS)

bench-translation: setup  ## Portuguese to English: BLEU of both decoders, and sentences a second (hours; run alone)
	$(BIN)/python -m pip install --quiet 'torch>=2.13,<2.14'
	$(BIN)/python benchmarks/translation.py $(ARGS)

bench-recurrent: setup  ## recurrent exports against Keras's own, tf.function and PyTorch (a quarter of an hour; run alone)
	$(BIN)/python -m pip install --quiet 'torch>=2.13,<2.14'
	$(BIN)/python benchmarks/recurrent_export.py $(ARGS)

clean:
	rm -rf $(VENV) .venv-* site build dist .pytest_cache .ruff_cache .hypothesis
