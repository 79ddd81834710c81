"""Which random numbers a file begins with."""

import os

import pytest
import seqkit_onnx
from seqkit_onnx.runtime.generation_arguments import drawn_seed


@pytest.fixture
def file(generator_path):
    return seqkit_onnx.load(generator_path)


def test_without_a_seed_each_call_writes_another_text(file):
    assert len({file.generate("the cat", 20, seed=None)[0] for _ in range(8)}) > 1


def test_the_default_is_a_seed_of_0_and_writes_the_same_text(file):
    assert file.generate("the cat", 20) == file.generate("the cat", 20, seed=0) == file.generate("the cat", 20)


def test_without_a_seed_64_bits_of_the_system_are_drawn(file, monkeypatch):
    asked = []
    monkeypatch.setattr(os, "urandom", lambda size: asked.append(size) or b"\xfe\xff\xff\xff\xff\xff\xff\xff")
    assert file.generate("the cat", 20, seed=None) == file.generate("the cat", 20, seed=-2)
    assert asked == [8]


def test_drawn_seeds_use_the_whole_range():
    seeds = [drawn_seed(None) for _ in range(200)]
    assert len(set(seeds)) == 200
    assert all(-(2**63) <= seed < 2**63 for seed in seeds)
    assert min(seeds) < -(2**61) < 2**61 < max(seeds)
    assert drawn_seed(5) == 5
