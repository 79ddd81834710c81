"""What the runtime knows of texts without Keras is what keras_seqkit knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqkit_onnx.runtime import generation_arguments as runtime

from keras_seqkit.models.generation import writer
from keras_seqkit.text import Vocabulary, continuation

few_letters = st.text(st.sampled_from("ab "), max_size=12)
stop_strings = st.lists(st.text(st.sampled_from("ab "), min_size=1, max_size=4), max_size=3)


@given(few_letters, stop_strings)
def test_stop_strings_are_found_at_the_same_place(text, stops):
    assert runtime.first_stop(text, stops) == continuation.first_stop(text, stops)
    assert runtime.certain_length(text, stops) == continuation.certain_length(text, stops)


@given(st.text(max_size=4) | st.sampled_from(["a ", "a\n", "a\t", "a\r"]), st.sampled_from(["", "b"]))
def test_the_same_stands_between_a_prompt_and_what_follows(prompt, written):
    for vocabulary in (Vocabulary(["a"]), Vocabulary(["a"], level="char")):
        expected = continuation.Continuation(vocabulary, prompt).separator(written)
        assert runtime.separator(prompt, written, vocabulary.rules.joiner) == expected


@pytest.mark.parametrize("stop", [None, "a", ["a", "bc"], (), [1], 3, "", ["a", ""]])
def test_stop_strings_are_checked_alike(stop):
    def outcome(stop_list):
        try:
            return stop_list(stop)
        except (TypeError, ValueError) as error:
            return type(error), str(error)

    assert outcome(runtime.stop_list) == outcome(continuation.stop_list)


numbers = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, -0.5, 1e31, float("nan"), float("inf"), 2**63]))


@given(numbers, numbers, numbers, numbers, numbers | st.sampled_from([True, "1"]))
def test_settings_are_checked_alike(max_new_tokens, temperature, top_k, top_p, seed):
    def outcome(check):
        try:
            return check()
        except (TypeError, ValueError) as error:
            return type(error)

    settings = (max_new_tokens, temperature, top_k, top_p, seed)
    assert outcome(runtime.Settings(*settings).check) == outcome(lambda: writer.check_settings(*settings))


@pytest.mark.parametrize("name", ["temperature", "top_p"])
@pytest.mark.parametrize("value", [None, "a", [0.5]])
def test_what_is_no_number_is_named(name, value):
    settings = runtime.Settings(1, 1.0, 0, 1.0, 0)._replace(**{name: value})
    with pytest.raises(TypeError, match=f"generate: {name} is a number; received {type(value).__name__}"):
        settings.check()
