"""What is written behind a prompt: stop strings, and how much of a text is certain while it is written."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.continuation import SPACES, Continuation, certain_length, first_stop, stop_list
from keras_seqkit.text.detokenization import Detokenizer
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID, UNKNOWN_ID
from tests.detokenizers import joined_as_one, random_detokenizer
from tests.text_strategies import any_text

few_letters = st.text(st.sampled_from("ab "), max_size=12)
stop_strings = st.lists(st.text(st.sampled_from("ab "), min_size=1, max_size=4), max_size=3)
CHARACTERS = Vocabulary(["a", "b", " "], level="char")
WORDS = Vocabulary(["a", "b", "."])
SUBWORDS = Vocabulary([" a", "b", " "], level="subword")


def place_by_hand(text: str, stops: list[str]) -> int | None:
    places = [place for place in range(len(text)) if text[place:].startswith(tuple(stops))]
    return places[0] if places else None


@given(few_letters, stop_strings)
@example("aab", ["ab", "aab"])
def test_the_first_stop_is_where_any_of_them_begins_first(text, stops):
    assert first_stop(text, stops) == place_by_hand(text, stops)


@given(few_letters, stop_strings)
@example("aaab", ["aab"])
@example("abab", ["abb", "bab"])
def test_what_is_certain_is_never_taken_away_and_all_of_it_comes(text, stops):
    expected = text if first_stop(text, stops) is None else text[: first_stop(text, stops)]
    given_away = ""
    for length in range(len(text) + 1):
        written = text[:length]
        stopped = first_stop(written, stops)
        certain = certain_length(written, stops) if stopped is None else stopped
        assert expected.startswith(written[:certain])
        given_away = max(given_away, written[:certain], key=len)
        if stopped is not None:
            break
    else:
        given_away = text  # it ended, and what was held back comes
    assert given_away == expected


@given(few_letters, stop_strings)
def test_no_more_is_held_back_than_could_become_a_stop_string(text, stops):
    held = text[certain_length(text, stops) :]
    assert not held or any(stop.startswith(held) and stop != held for stop in stops)


@given(
    st.sampled_from([CHARACTERS, WORDS, SUBWORDS]),
    st.one_of(st.sampled_from(["", *SPACES, "a", "a ", "x\n", "é\t"]), st.text(max_size=5)),
    st.lists(st.integers(1, 6)),
    stop_strings,
    st.booleans(),
)
def test_a_text_is_its_prompt_and_what_was_written_up_to_a_stop_string(vocabulary, prompt, tokens, stops, strip_prompt):
    continuation = Continuation(vocabulary, prompt)
    for token in tokens:
        continuation.extend([token])
    real = tokens[: tokens.index(END_ID)] if END_ID in tokens else tokens
    [written] = vocabulary.decode([real])
    if vocabulary is SUBWORDS and prompt:
        written = "".join(["", "[UNK]", "", "", " a", "b", " "][token] for token in real if token != PADDING_ID)
    assert (continuation.written, continuation.ended) == (written, END_ID in tokens)
    written = written[: place_by_hand(written, stops)]
    space = " " if vocabulary is WORDS and written and prompt and prompt[-1] not in SPACES else ""
    expected = written if strip_prompt else prompt + space + written
    assert continuation.text(stops, strip_prompt) == expected


@pytest.mark.parametrize("end", [END_ID, PADDING_ID])
def test_what_comes_behind_the_end_is_left_out(end):
    continuation = Continuation(CHARACTERS, "b")
    continuation.extend([4, end, 5])
    continuation.extend([4])
    assert continuation.ended
    assert continuation.text() == "ba"


def test_start_is_silent_and_an_unknown_token_is_shown():
    continuation = Continuation(WORDS, "so")
    continuation.extend([START_ID, 4, UNKNOWN_ID, 6])
    assert continuation.text() == "so a [UNK] ."


@pytest.mark.parametrize(
    ("prompt", "tokens", "expected"),
    [
        ("", [4, 5], "ab"),
        ("", [6, 4], " a"),
        ("", [START_ID, 4, 4], "a a"),
        ("so", [4, 5], "so ab"),
        ("so", [5, 4], "sob a"),
        ("so ", [4], "so  a"),
        (" ", [4], "  a"),
    ],
)
def test_subwords_carry_their_own_spaces(prompt, tokens, expected):
    continuation = Continuation(SUBWORDS, prompt)
    continuation.extend(tokens)
    assert continuation.text() == expected
    assert continuation.text(strip_prompt=True) == expected[len(prompt) :]


SENTENCES = ["The cat saw Ann's house, and she ran.", "Did Ann run (from the cat)? No!"]
SENTENCE_WORDS = Vocabulary.from_texts(SENTENCES)


@pytest.mark.parametrize(
    ("prompt", "written", "expected"),
    [
        ("", "the cat .", "The cat."),
        ("the cat", "saw ann 's house .", "the cat saw Ann's house."),
        ("the cat", ", and", "the cat, and"),
        ("the cat ", ", and", "the cat , and"),  # the space is the user's
        ("ANN RAN.", "no !", "ANN RAN. No!"),
        ("Ann ran. ", "no !", "Ann ran. No!"),
        ("Ann ran.\n\n", "the cat", "Ann ran.\n\nThe cat"),
        ("Did Ann run (", "from the", "Did Ann run (from the"),
        ("a dog zz", "ran", "a dog zz ran"),
        ("  ", "the cat", "  The cat"),
        ("the cat", "", "the cat"),
    ],
)
def test_words_go_on_from_a_prompt_as_people_write_them(prompt, written, expected):
    continuation = Continuation(SENTENCE_WORDS, prompt, detokenizer=Detokenizer.from_texts(SENTENCE_WORDS, SENTENCES))
    continuation.extend(SENTENCE_WORDS.encode_rows([written])[0])
    assert continuation.text() == expected
    assert continuation.text(strip_prompt=True) == expected[len(prompt) :]


@given(
    any_text | st.sampled_from(["", " ", "the cat ", "the cat.", "(", "a\n", "\u2028"]),
    st.lists(st.integers(1, len(SENTENCE_WORDS) - 1), max_size=9),
    st.integers(0, 99),
    stop_strings,
)
def test_prompt_and_words_are_joined_as_one_sentence(prompt, tokens, seed, stops):
    detokenizer = random_detokenizer(SENTENCE_WORDS, seed)
    continuation = Continuation(SENTENCE_WORDS, prompt, detokenizer=detokenizer)
    for token in tokens:
        continuation.extend([token])
    real = tokens[: tokens.index(END_ID)] if END_ID in tokens else tokens
    whole = joined_as_one(SENTENCE_WORDS, detokenizer, prompt, real)
    assert continuation.text() == whole
    written = whole[len(prompt) :]
    written = written[: place_by_hand(written, stops)]
    assert continuation.text(stops) == prompt + written
    assert continuation.text(stops, strip_prompt=True) == written


def test_a_prompt_is_kept_as_it_is():
    assert Continuation(WORDS, "  Don't\u2028 ÉX  ").text() == "  Don't\u2028 ÉX  "


@pytest.mark.parametrize(
    ("stop", "expected"), [(None, []), ("a", ["a"]), (["a", "bc"], ["a", "bc"]), (("a",), ["a"]), ([], [])]
)
def test_stop_strings_become_a_list(stop, expected):
    assert stop_list(stop) == expected


@pytest.mark.parametrize("stop", [[1], ["a", None], [b"a"]])
def test_stop_strings_that_are_no_strings_are_refused(stop):
    with pytest.raises(TypeError, match="stop is a string or a list of strings"):
        stop_list(stop)


@pytest.mark.parametrize("stop", ["", ["a", ""]])
def test_an_empty_stop_string_is_refused(stop):
    with pytest.raises(ValueError, match=r"stop strings are not empty\. Pass stop=None"):
        stop_list(stop)
