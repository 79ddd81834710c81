"""The attention translator in PyTorch, eager, with the weights of a Keras one: what `translation.py` compares with."""

from typing import Any

import numpy as np
import torch

from keras_seqkit import Seq2SeqTranslator
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID


class TorchTranslator(torch.nn.Module):
    """A `Seq2SeqTranslator` of one layer of LSTM with Luong's attention, its step and its searches in PyTorch.

    Args:
        translator: whose weights are taken.
    """

    def __init__(self, translator: Seq2SeqTranslator):
        super().__init__()
        encoder, decoder = translator.encoder, translator.decoder
        [units], size = translator.units, translator.embedding_size
        self.max_length, self.vocab = translator.max_length, len(translator.target_vocabulary)
        self.source_embedding = torch.nn.Embedding.from_pretrained(_tensor(encoder.embedding.embeddings))
        self.encoder = torch.nn.LSTM(size, units, batch_first=True, bidirectional=True)
        [both] = encoder.stack.recurrent_layers
        for cell, suffix in ((both.forward_layer.cell, "_l0"), (both.backward_layer.cell, "_l0_reverse")):
            _take_cell(self.encoder, cell, suffix)
        self.bridges = torch.nn.ModuleList(_linear(bridge) for bridge in decoder.bridges.values())
        self.embedding = torch.nn.Embedding.from_pretrained(_tensor(decoder.embedding.embeddings))
        self.cell = torch.nn.LSTMCell(size + decoder.attended_size, units)
        _take_cell(self.cell, decoder.recurrent_layers[0].cell, "")
        self.memory_kernel = torch.nn.Parameter(_tensor(decoder.attention.memory_kernel))
        self.combine, self.head = _linear(decoder.combine), _linear(decoder.head)
        self.attended_size = decoder.attended_size
        self.eval()

    def read(self, rows: list[list[int]]) -> tuple[Any, ...]:
        """Reads encoded sentences; returns memory, keys, mask, and the states h, c and attended."""
        lengths = torch.tensor([len(row) for row in rows])
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            self.source_embedding(ids), lengths, batch_first=True, enforce_sorted=False
        )
        outputs, finals = self.encoder(packed)
        memory, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)  # (batch, time, 2 * units)
        h, c = (torch.tanh(bridge(torch.cat([*final], 1))) for bridge, final in zip(self.bridges, finals, strict=True))
        keys = (memory @ self.memory_kernel).transpose(1, 2)  # (batch, units, time)
        mask = (ids == PADDING_ID).unsqueeze(1)  # (batch, 1, time)
        return memory, keys, mask, h, c, torch.zeros(len(rows), self.attended_size)

    def step(self, token: Any, memory: Any, keys: Any, mask: Any, h: Any, c: Any, attended: Any) -> tuple[Any, ...]:
        """Reads a token of each row; returns logits and the states."""
        h, c = self.cell(torch.cat([self.embedding(token), attended], 1), (h, c))
        query = h.view(len(memory), -1, h.shape[1])  # (batch, beams, units)
        weights = torch.softmax((query @ keys).masked_fill(mask, -1e9), dim=-1)
        context = (weights @ memory).flatten(0, 1)
        attended = torch.tanh(self.combine(torch.cat([context, h], 1)))
        logits = self.head(attended)
        logits[:, [PADDING_ID, START_ID]] = -torch.inf
        return logits, h, c, attended

    @torch.inference_mode()
    def greedy(self, rows: list[list[int]]) -> list[list[int]]:
        """Takes the most probable token always."""
        memory, keys, mask, *states = self.read(rows)
        token, done, written = torch.full((len(rows),), START_ID), torch.zeros(len(rows), dtype=torch.bool), []
        for _ in range(self.max_length):
            logits, *states = self.step(token, memory, keys, mask, *states)
            token = logits.argmax(dim=1).masked_fill(done, PADDING_ID)
            written.append(token)
            done = done | (token == END_ID)
            if done.all():
                break
        return torch.stack(written, 1).tolist()

    @torch.inference_mode()
    def beam_search(self, rows: list[list[int]], beams: int) -> list[list[int]]:
        """Keeps the best beams, ranked by the mean of their tokens' logarithms."""
        memory, keys, mask, *states = self.read(rows)
        states = [state.repeat_interleave(beams, 0) for state in states]
        batch = len(rows)
        token = torch.full((batch * beams,), START_ID)
        scores = torch.full((batch, beams), -torch.inf)
        scores[:, 0] = 0.0
        lengths, done = torch.zeros(batch, beams), torch.zeros(batch * beams, dtype=torch.bool)
        written = torch.zeros(batch * beams, 0, dtype=torch.long)
        first_row = torch.arange(batch).unsqueeze(1) * beams
        after_end = torch.full((self.vocab,), -torch.inf)
        after_end[PADDING_ID] = 0.0
        for _ in range(self.max_length):
            logits, *states = self.step(token, memory, keys, mask, *states)
            steps = torch.where(done.unsqueeze(1), after_end, torch.log_softmax(logits, 1))
            totals = scores.unsqueeze(2) + steps.view(batch, beams, -1)
            lengths = lengths + (~done).view(batch, beams)
            _, best = (totals / lengths.unsqueeze(2)).flatten(1).topk(beams)
            beam, token = best // self.vocab, (best % self.vocab).flatten()
            parent = (first_row + beam).flatten()
            scores, lengths = totals.flatten(1).gather(1, best), lengths.gather(1, beam)
            states = [state[parent] for state in states]
            written = torch.cat([written[parent], token.unsqueeze(1)], 1)
            done = done[parent] | (token == END_ID)
            if done.all():
                break
        return written[::beams].tolist()


def _tensor(weight: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(weight))


def _linear(dense: Any) -> torch.nn.Linear:
    kernel = _tensor(dense.kernel)
    linear = torch.nn.Linear(*kernel.shape, bias=dense.use_bias)
    linear.weight.data = kernel.T.contiguous()
    if dense.use_bias:
        linear.bias.data = _tensor(dense.bias)
    return linear


def _take_cell(module: Any, cell: Any, suffix: str) -> None:
    """Keras's gates i, f, c, o are PyTorch's i, f, g, o; PyTorch has a second bias."""
    getattr(module, f"weight_ih{suffix}").data = _tensor(cell.kernel).T.contiguous()
    getattr(module, f"weight_hh{suffix}").data = _tensor(cell.recurrent_kernel).T.contiguous()
    getattr(module, f"bias_ih{suffix}").data = _tensor(cell.bias)
    getattr(module, f"bias_hh{suffix}").data.zero_()
