"""How well text is predicted: a character LSTM against Kneser-Ney n-grams, on plays that neither has seen.

Shakespeare's works, split by work (`datasets.shakespeare`). Both models share one vocabulary, and predict every
character and the end of each text. The LSTM is trained for a fixed time, its learning rate falling to zero by then; the
state of its best validation loss is kept. Run it alone:

    make bench-language-models
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from timed_rate import TimedRate
from training_dtype import training_dtype

from keras_seqkit import NGramModel, SampleText, TextGenerator, Vocabulary, datasets
from keras_seqkit.evaluation import plot_training_curves

OUTPUT = Path(__file__).parent / "output"
UNITS, EMBEDDING, DROPOUT = (512,), 64, 0.0
BATCH, LENGTH = 64, 64
PEAK_RATE = 3e-3


def train(texts: list[str], checks: list[str], vocabulary: Vocabulary, minutes: float) -> tuple[TextGenerator, Any]:
    """Trains for so many minutes; the weights are those of the best validation loss."""
    dtype = training_dtype()  # measured and written in float32
    model = TextGenerator(vocabulary, UNITS, embedding=EMBEDDING, dropout=DROPOUT, dtype=dtype)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    model.compile(keras.optimizers.Adam(PEAK_RATE, clipnorm=1.0), loss)
    print(f"{model.count_params():,} weights")
    callbacks = [
        TimedRate(60 * minutes, PEAK_RATE),
        keras.callbacks.EarlyStopping("val_loss", patience=1000, restore_best_weights=True),
        SampleText("ROMEO", max_new_tokens=120, temperature=0.7),
    ]
    history = model.fit(
        texts,
        epochs=1000,
        batch_size=BATCH,
        length=LENGTH,
        validation_data=checks,
        callbacks=callbacks,
        verbose=2,
    )
    exact = TextGenerator(vocabulary, UNITS, embedding=EMBEDDING)
    exact.set_weights(model.get_weights())
    return exact, history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=29, help="of training (default: 29)")
    parser.add_argument("--order", type=int, default=5, help="of the n-grams (default: 5)")
    arguments = parser.parse_args()
    works = datasets.shakespeare()
    vocabulary = Vocabulary.from_texts(works.train, level="char", lowercase=False)
    counts = {name: f"{sum(map(len, texts)):,}" for name, texts in works._asdict().items()}
    print(f"characters: {counts}; vocabulary of {len(vocabulary)}")
    found = {}
    for order in range(arguments.order, arguments.order + 4):
        ngrams = NGramModel(order, vocabulary=vocabulary).fit(works.train)
        found[f"{order}-gram, Kneser-Ney"] = float(np.log(ngrams.perplexity(works.test)))
        print(f"{order}-gram: {found[f'{order}-gram, Kneser-Ney']:.4f} nats a character", flush=True)
    begin = time.monotonic()
    model, history = train(works.train, works.validation, vocabulary, arguments.minutes)
    trained = (time.monotonic() - begin) / 60
    measured = model.evaluate(works.test)
    found[f"LSTM {UNITS}, {trained:.1f} minutes"] = measured["loss"]
    print(f"\n{'held-out plays':32}{'nats':>10}{'bits':>10}{'perplexity':>13}   a character")
    for name, nats in found.items():
        print(f"{name:32}{nats:10.4f}{nats / np.log(2):10.4f}{np.exp(nats):13.3f}")
    OUTPUT.mkdir(exist_ok=True)
    model.save(OUTPUT / "shakespeare.keras")
    plot_training_curves(history, OUTPUT / "language_models.png")
    for temperature in (0.2, 0.5, 1.0):
        [text] = model.generate("ROMEO. ", 300, temperature=temperature, seed=1)
        print(f"\n--- temperature {temperature} ---\n{text}")


if __name__ == "__main__":
    main()
