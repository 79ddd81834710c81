"""A look at what a generator writes while it learns."""

from typing import Any

import keras


class SampleText(keras.callbacks.Callback):
    """Prints what a `TextGenerator` writes after each epoch.

    Args:
        prompt: what it goes on from.
        every: epochs from one sample to the next.
        print_text: what is called with the text.
        **settings: as in `TextGenerator.generate`.

    Raises:
        ValueError: `every` is below 1.

    Example:
    >>> from keras_seqkit.models import SampleText
    >>> SampleText("To be", every=2, temperature=0.8).every
    2
    """

    def __init__(self, prompt: str = "", every: int = 1, print_text: Any = print, **settings: Any):
        super().__init__()
        if every < 1:
            raise ValueError(f"SampleText: every is at least 1; received {every}.")
        self.prompt = prompt
        self.every = every
        self.print_text = print_text
        self.settings = settings

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Prints a sample; Keras calls this."""
        if (epoch + 1) % self.every == 0:
            model: Any = self.model
            [text] = model.generate(self.prompt, **self.settings)
            self.print_text(f"\n--- epoch {epoch + 1} ---\n{text}\n")
