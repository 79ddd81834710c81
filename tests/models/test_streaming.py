"""Streamed text: the pieces joined are the text, whatever is written and wherever it stops."""

from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.models.generation.streaming import stream_text
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.continuation import Continuation

VOCABULARIES = [Vocabulary(["a", "b", " "], level="char"), Vocabulary(["a", "ab", "b"])]
stop_strings = st.lists(st.text(st.sampled_from("ab "), min_size=1, max_size=5), max_size=3)


class Written:
    """A writer of which it is known what it writes."""

    def __init__(self, vocabulary: Vocabulary, steps: list[list[int]]):
        self.vocabulary, self.steps = vocabulary, steps
        self.taken = 0

    def stream(self, *_):
        for step in self.steps:
            self.taken += 1
            yield step


@given(
    st.sampled_from(VOCABULARIES),
    st.integers(1, 3).flatmap(
        lambda rows: st.tuples(
            st.lists(st.sampled_from(["", "a", "b ", "x\n"]), min_size=rows, max_size=rows),
            st.lists(st.lists(st.sampled_from([1, 3, 4, 4, 5, 5, 6]), min_size=rows, max_size=rows), max_size=12),
        )
    ),
    stop_strings,
    st.booleans(),
)
def test_pieces_joined_are_the_text(vocabulary, rows, stops, strip_prompt):
    prompts, steps = rows
    writer = Written(vocabulary, steps)
    continuations = [Continuation(vocabulary, prompt) for prompt in prompts]
    pieces = list(stream_text(writer, continuations, len(steps), {}, stops, strip_prompt))
    expected = []
    for row, prompt in enumerate(prompts):
        continuation = Continuation(vocabulary, prompt)
        continuation.extend(step[row] for step in steps)
        expected.append(continuation.text(stops, strip_prompt))
    if len(prompts) == 1:
        pieces = [[piece] for piece in pieces]
    assert ["".join(row) for row in zip(*pieces, strict=True)] == (expected if pieces else [])
    assert pieces or not any(expected)
    assert all(any(piece) for piece in pieces)  # nothing empty is given


def test_nothing_is_written_behind_the_end_of_all_texts():
    writer = Written(VOCABULARIES[0], [[4, 3], [5, 4], [3, 4], [4, 4], [4, 4]])
    texts = [Continuation(VOCABULARIES[0], prompt) for prompt in ("", "b")]
    assert list(stream_text(writer, texts, 5, {}, [], False)) == [["", "b"], ["a", ""], ["b", ""]]
    assert writer.taken == 3


def test_what_may_be_a_stop_string_is_held_back():
    writer = Written(VOCABULARIES[0], [[4], [4], [5], [4], [4], [5], [5]])
    assert list(stream_text(writer, [Continuation(VOCABULARIES[0], "b")], 7, {}, ["abb"], False)) == [
        "b",
        "a",
        "ab",
        "a",
    ]
