"""The rules that make tokens of a text, against scanners written by hand."""

import itertools
import re
import string
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.text.vocabulary import rules as rules_module
from keras_seqkit.text.vocabulary.rules import PATTERN_LEVELS, TextRules, lowercase_table
from tests.text_strategies import any_text, ascii_text

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
lowercases = st.sampled_from([True, False, "ascii"])
all_rules = st.builds(TextRules, st.sampled_from(PATTERN_LEVELS), lowercases, st.booleans())


def kinds_of_characters() -> dict[str, str]:
    """Which characters are no part of a word, and why."""
    tables = {"space": rules_module._SPACES, "single": rules_module._SINGLES, "apostrophe": rules_module._APOSTROPHES}
    return {
        chr(code): kind for kind, ranges in tables.items() for first, last in ranges for code in range(first, last + 1)
    }


KIND = kinds_of_characters()


def words_by_hand(text: str) -> list[str]:
    """The word rule, one character at a time."""
    tokens, open_token = [], False  # whether the last token may still grow
    for character in text:
        kind = KIND.get(character, "letter")
        if kind == "letter" and open_token:
            tokens[-1] += character
        elif kind != "space":
            tokens.append(character)
        open_token = kind in ("letter", "apostrophe")
    return tokens


def lowered_by_hand(text: str, lowercase, strip_punctuation: bool) -> str:
    kept = (character for character in text if not (strip_punctuation and character in string.punctuation))
    if lowercase == "ascii":
        return "".join(character.lower() if character.isascii() else character for character in kept)
    return "".join(lowercase_table().get(character, character) if lowercase else character for character in kept)


@given(any_text)
def test_words_equal_those_of_a_scanner_written_by_hand(text):
    assert TextRules("word", lowercase=False).split(text) == words_by_hand(text)


@given(any_text)
def test_whitespace_tokens_equal_a_split_at_ascii_white_space(text):
    expected = [token for token in re.split("[ \t\n\v\f\r]", text) if token]
    assert TextRules("whitespace", lowercase=False).split(text) == expected


@given(any_text)
def test_characters_are_the_code_points(text):
    assert TextRules("char", lowercase=False).split(text) == list(text)


@given(any_text)
def test_words_cover_every_character_that_is_no_space_in_order(text):
    kept = "".join(character for character in text if KIND.get(character) != "space")
    assert "".join(TextRules("word", lowercase=False).split(text)) == kept


@given(any_text, st.sampled_from(["word", "whitespace"]))
def test_the_first_match_of_a_pattern_is_its_longest(text, level):
    pattern = re.compile(TextRules(level).pattern)
    for match in pattern.finditer(text):
        ends = [end for end in range(match.start() + 1, len(text) + 1) if pattern.fullmatch(text, match.start(), end)]
        assert match.end() == max(ends)


@given(all_rules, any_text)
def test_normalizing_replaces_one_character_at_a_time(rules, text):
    assert rules.normalize(text) == lowered_by_hand(text, rules.lowercase, rules.strip_punctuation)


@given(all_rules, ascii_text)
def test_normalizing_ascii_takes_no_short_cut_that_shows(rules, text):
    assert rules.normalize(text) == lowered_by_hand(text, rules.lowercase, rules.strip_punctuation)


@given(all_rules, any_text)
def test_normalizing_twice_changes_nothing_more(rules, text):
    once = rules.normalize(text)
    assert rules.normalize(once) == once


@given(all_rules, any_text)
def test_tokens_joined_and_split_again_are_the_same_tokens(rules, text):
    tokens = rules.split(text)
    assert rules.split(rules.joiner.join(tokens)) == tokens


@given(all_rules, any_text)
def test_no_token_is_empty(rules, text):
    assert "" not in rules.split(text)


def test_the_lowercase_table_equals_str_lower_for_the_letters_that_it_covers():
    assert {character: character.lower() for character in lowercase_table()} == lowercase_table()
    assert len(lowercase_table()) > 700


def test_the_lowercase_table_covers_the_letters_of_unicode_3_2_that_have_one_lower_case_letter():
    old = unicodedata.ucd_3_2_0
    for character in EVERY_CHARACTER:
        lower = character.lower()
        has_pair = (
            lower != character
            and len(lower) == 1
            and old.category(character) in ("Lu", "Lt")
            and old.category(lower) != "Cn"
        )
        assert has_pair == (character in lowercase_table()), character


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        *[("É", "é"), ("Ａ", "ａ"), ("ǅ", "ǆ"), ("Ǆ", "ǆ"), ("ΟΔΟΣ", "οδοσ"), ("\u212a", "k"), ("Ж", "ж"), ("𐐀", "𐐨")],
        *[(same, same) for same in ("İ", "ß", "ς", "Ა", "Ꭰ", "Ⅷ", "Ⓐ", "\0", "\ufffe", "ſ")],
    ],
)
def test_lowercase_of(upper, lower):
    assert TextRules("char").normalize(upper) == lower
    assert TextRules("char", lowercase="ascii").normalize(upper) == upper


def test_every_character_by_itself_is_one_token_or_a_space():
    split = TextRules("word", lowercase=False).split
    for character in EVERY_CHARACTER:
        assert split(character) == ([] if KIND.get(character) == "space" else [character])


def test_every_white_space_character_of_python_separates_words():
    split = TextRules("word").split
    for character in filter(str.isspace, EVERY_CHARACTER):
        assert split(f"a{character}b") == ["a", "b"], hex(ord(character))


@pytest.mark.parametrize(
    "invisible", ["\xad", "\u180e", "\u200b", "\u200e", "\u200f", "\u202d", "\u2060", "\ufe0f", "\ufeff"]
)
def test_characters_that_are_not_seen_separate_words_like_spaces(invisible):
    assert TextRules().split(f"a{invisible}b") == ["a", "b"]


@pytest.mark.parametrize("part", ["\u200c", "\u200d", "\u0301", "\u02bc", "ª", "²", "٣", "ｰ", "ℝ", "\u093f", "\ue000"])
def test_joiners_marks_and_digits_are_parts_of_words(part):
    assert TextRules().split(f"a{part}b") == [f"a{part}b"]


@pytest.mark.parametrize(
    "single", [*"¿¡«»§€™№℃…—–“”‘→♥漢カひ、。！？％￥، ؛؟।։".replace(" ", ""), *["😀", "🏽", "🇧", "𠀀"]]
)
def test_symbols_emoji_and_ideographs_stand_by_themselves(single):
    assert TextRules().split(f"a{single}{single}b") == ["a", single, single, "b"]


def test_the_kinds_of_characters_do_not_overlap():
    tables = [rules_module._SPACES, rules_module._SINGLES, rules_module._APOSTROPHES]
    ranges = sorted(itertools.chain(*tables))
    assert all(last < first for (_, last), (first, _) in itertools.pairwise(ranges))


def test_every_ascii_punctuation_mark_stands_by_itself():
    for mark in set(string.punctuation) - {"'"}:
        assert TextRules().split(f"a{mark}{mark}b") == ["a", mark, mark, "b"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It's GREAT 😀, não é?", ["it", "'s", "great", "😀", ",", "não", "é", "?"]),
        ("don't O’Neil 'tis '", ["don", "'t", "o", "’neil", "'tis", "'"]),
        ("''a' '", ["'", "'a", "'", "'"]),
        ("你好world", ["你", "好", "world"]),
        ("12,5% e-mail", ["12", ",", "5", "%", "e", "-", "mail"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("👍🏽", ["👍", "🏽"]),
        ("a\0b\u200bc\ufeffd", ["a", "b", "c", "d"]),
        (" \t\n", []),
        ("", []),
    ],
)
def test_words_of(text, tokens):
    assert TextRules().split(text) == tokens


def test_strip_punctuation_deletes_and_does_not_separate():
    rules = TextRules("whitespace", lowercase="ascii", strip_punctuation=True)
    assert rules.split("Don't stop-me, É!") == ["dont", "stopme", "É"]


@pytest.mark.parametrize("arguments", [{"level": "sentence"}, {"level": None}, {"lowercase": "unicode"}])
def test_an_unknown_rule_is_refused(arguments):
    with pytest.raises(ValueError, match=r"Vocabulary: (level|lowercase) is .*; received"):
        TextRules(**arguments)
