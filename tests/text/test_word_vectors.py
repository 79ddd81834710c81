"""read_vectors gives what the textbook loop gives, and says which line is wrong."""

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_seqkit.text.vectors import vector_file
from keras_seqkit.text.vectors.word_vectors import read_vectors
from tests.text.vector_files import MOON, NUMBER_TEXTS, STAR, SUN, as_dict, assert_same, read, textbook

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=20)
NOT_A_NUMBER = WORDS.filter(lambda word: not re.fullmatch(r"[-+.\d_einfaty]+", word, re.IGNORECASE))
TOKENS = st.one_of(
    WORDS,
    st.sampled_from(["international", "internationale", "internationals", "at", "a", ".", "sun", "sunny"]),
    st.lists(NOT_A_NUMBER, min_size=2, max_size=4).map(" ".join),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_file_gives_what_the_textbook_loop_gives(data, tmp_path, monkeypatch):
    dim = data.draw(st.integers(2, 5), "dim")
    tokens = data.draw(st.lists(TOKENS, min_size=1, max_size=30), "tokens")
    rows = [data.draw(st.lists(NUMBER_TEXTS, min_size=dim, max_size=dim)) for _ in tokens]
    end = data.draw(st.sampled_from(["\n", "\r\n", " \n", "\n\n"]), "line end")
    header = data.draw(st.booleans(), "header")
    content = "".join(f"{token} {' '.join(row)}{end}" for token, row in zip(tokens, rows, strict=True)).encode()
    asked = data.draw(st.lists(st.one_of(TOKENS, st.sampled_from(tokens)), unique=True, max_size=30), "asked")
    path = tmp_path / "any.txt"
    path.write_bytes((f"{len(tokens)} {dim}{end}".encode() if header else b"") + content)
    monkeypatch.setattr(vector_file, "HEAD_BYTES", 1000)
    monkeypatch.setattr(vector_file, "BLOCK_BYTES", data.draw(st.sampled_from([7, 64, 1000, 1 << 20]), "block"))
    found = read_vectors(path, asked)
    assert found.dim == dim
    assert_same(as_dict(found, asked), textbook(content, asked, dim))


def test_a_large_file_gives_what_the_textbook_loop_gives(write):
    rng = np.random.default_rng(0)
    words = [f"w{i:x}" * (1 + i % 4) for i in range(40_000)]
    lines = [
        f"{word} {' '.join(map(str, row))}"
        for word, row in zip(words, rng.normal(size=(40_000, 20)).astype("f"), strict=True)
    ]
    content = "\n".join(lines).encode() + b"\n"
    assert len(content) > 1.5 * vector_file.BLOCK_BYTES
    asked = [words[i] for i in rng.choice(40_000, 3_000, replace=False)] + ["not there"]
    found = read_vectors(write(content), asked)
    assert_same(as_dict(found, asked), textbook(content, asked, 20))
    assert (found.lines_read, len(found.rows)) == (40_000, 3_000)


def test_memory_grows_with_the_vocabulary_and_not_with_the_file(write):
    row = " ".join(["0.12345"] * 100)
    content = b"".join(f"word{i} {row}\n".encode() for i in range(80_000))
    path, size = write(content), len(content)
    del content
    tracemalloc.start()
    try:
        found = read_vectors(path, [f"word{i}" for i in range(0, 80_000, 800)])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.matrix.shape == (100, 100)
    assert size > 60e6
    assert peak < size / 4


# What real files hold --------------------------------------------------------------------------------------


def test_a_token_may_hold_spaces(write):
    path = write(f". . . 1 2 3\nat name@domain.com 4 5 6\nat 7 8 9\n{SUN}\n")
    expected = {". . .": [1, 2, 3], "at": [7, 8, 9], "at name@domain.com": [4, 5, 6]}
    found = read(path, *expected, "name@domain.com", ".")
    assert {token: vector.tolist() for token, vector in found.items()} == expected


def test_the_first_of_several_rows_wins(write):
    found = read(write(f"{SUN}\n{MOON}\nsun 9 9 9\nsun broken\n{STAR}\n"), "sun")
    assert found["sun"].tolist() == [0.25, -1.5, 3]


def test_the_first_of_several_rows_wins_where_one_is_out_of_the_ordinary(write):
    found = read(write(f"a b 1 1 1\n{SUN}\nsun 9 9 9\n{STAR}\n"), "sun", "a b", "a")
    assert found["sun"].tolist() == [0.25, -1.5, 3]


def test_a_broken_row_after_the_first_row_of_its_token_is_passed_over(write, monkeypatch):
    monkeypatch.setattr(vector_file, "HEAD_BYTES", 200)
    monkeypatch.setattr(vector_file, "BLOCK_BYTES", 64)
    path = write(f"{SUN}\n" + f"{MOON}\n" * 50 + "sun 1 x 3\n" + f"{STAR}\n" * 50)
    assert read(path, "sun", "star")["sun"].tolist() == [0.25, -1.5, 3]


def test_a_token_asked_for_twice_gets_its_vector_twice(write):
    found = read_vectors(write(f"{SUN}\n{MOON}\n"), ["sun", "x", "sun"])
    assert found.rows.tolist() == [0, 2]
    assert found.matrix[0].tolist() == found.matrix[1].tolist() == [0.25, -1.5, 3]


def test_rows_come_in_the_order_of_the_tokens_and_not_of_the_file(write):
    found = read_vectors(write(f"{SUN}\n{MOON}\n{STAR}\n"), ["star", "sun"])
    assert found.rows.tolist() == [0, 1]
    assert found.matrix[1].tolist() == [0.25, -1.5, 3]


def test_a_word2vec_header_is_no_vector(write):
    found = read_vectors(write(f"2 3\n{SUN}\n{MOON}\n"), ["2", "sun"])
    assert (found.dim, found.rows.tolist(), found.lines_read) == (3, [1], 3)


@pytest.mark.parametrize("header", ["", "2 3\n", "\n"])
@pytest.mark.parametrize("token", ["sun", ". . .", "naïve", "internationalization"])
def test_a_byte_order_mark_is_no_part_of_the_first_token(write, header, token):
    path = write(f"\ufeff{header}{token} 1 2 3\n{MOON}\n")
    found = read_vectors(path, [token, "moon", "x"])
    assert found.rows.tolist() == [0, 1]
    assert found.matrix[0].tolist() == [1, 2, 3]
    assert found.lines_read == 2 + header.count("\n")


@pytest.mark.parametrize("token", ["\ufeff", "\ufeffsun", "\ufeff sun"])
def test_a_token_that_begins_like_a_byte_order_mark_is_found_as_it_is(write, token):
    path = write(f"{token} 1 2 3\n{SUN}\n")
    assert {name: row.tolist() for name, row in read(path, token, "sun").items()} == {
        token: [1, 2, 3],
        "sun": [0.25, -1.5, 3],
    }


def test_a_byte_order_mark_alone_is_an_empty_file(write):
    with pytest.raises(ValueError, match="there are no vectors in it"):
        read_vectors(write("\ufeff"), ["sun"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_file_in_utf16_is_told_from_one_without_numbers(write, encoding):
    content = ("\ufeff" * (encoding == "utf-16-be") + f"{SUN}\n{MOON}\n").encode(encoding)
    with pytest.raises(ValueError, match=r"vectors.txt: it is UTF-16.*iconv -f utf-16 -t utf-8"):
        read_vectors(write(content), ["sun"])


def test_a_number_in_one_dimension_is_no_header(write):
    assert read(write("7 2\n8 2\n9 3\n"), "7")["7"].tolist() == [2]


def test_a_token_that_is_not_utf8_is_passed_over(write):
    path = write(b"\xff\xfe 1 2 3\nsun\xe9 1 2 3\n" + SUN.encode() + b"\n\xc3 4 5 6\n")
    assert list(read(path, "sun", "\udcff\udcfe", "sun\udce9")) == ["sun"]


@pytest.mark.parametrize("token", ["sun", "Sun", "naïve", "日本語", "🙂", "internationalization", "a" * 500, "\x85x"])
def test_a_token_is_found_as_it_is_and_no_other(write, token):
    path = write(f"{MOON}\n{token} 1 2 3\n{STAR}\n")
    others = {token + "x", token[:-1], token.swapcase()} - {token, ""}
    assert list(read(path, token, *others)) == [token]


def test_blank_lines_count_as_lines_and_hold_nothing(write):
    found = read_vectors(write(f"\n\n{SUN}\n\r\n{MOON}\n   \n\n"), ["sun", "moon", ""])
    assert (found.rows.tolist(), found.lines_read) == ([0, 1], 7)


def test_the_last_line_needs_no_line_end(write):
    assert read(write(f"{SUN}\n{MOON}"), "moon")["moon"].tolist() == [0, np.float32(1e-3), 12.5]


def test_nothing_asked_for_still_gives_the_dimensions(write):
    found = read_vectors(write(f"{SUN}\n"), [])
    assert (found.matrix.shape, found.dim) == ((0, 3), 3)


def test_a_line_that_is_not_asked_for_may_be_broken(write):
    assert list(read(write(f"{SUN}\nbroken 1 x 2\nshort 1\n{MOON}\n"), "sun", "moon")) == ["sun", "moon"]


# What is an error, and on which line -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("moon 1 2", "'moon' has 2 numbers, expected 3"),
        ("moon", "'moon' has 0 numbers, expected 3"),
        ("moon 1 2 3 4", "'moon' has 4 numbers, expected 3"),
        ("moon 1 x 3", "number 2 is 'x'"),
        ("moon 1 2 nan", "number 3 is 'nan'"),
        ("moon -inf 2 3", "number 1 is '-inf'"),
        ("moon 1 1e39 3", "number 2 is '1e39'"),
        ("moon 1  2", "'moon' has 2 numbers, expected 3"),
    ],
)
@pytest.mark.parametrize("around", [1, 30])
def test_a_broken_row_that_is_asked_for_is_an_error_with_its_line(write, line, problem, around):
    path = write("\n".join([*[SUN] * around, line, *[STAR] * around]) + "\n")
    with pytest.raises(ValueError, match=f"vectors.txt, line {around + 1}: {re.escape(problem)}"):
        read_vectors(path, ["sun", "moon", "star"])


@pytest.mark.parametrize(
    ("first", "second"),
    [("7 1 2", "8 1 2 3 4"), ("7 1 2 3 4", "8 1 2"), ("7 1 2 ", "8 1 2 3 4 "), ("7 1 2 3 4 ", "8 1 2 ")],
)
def test_a_short_row_and_a_long_one_do_not_make_two_right_ones(write, first, second):
    with pytest.raises(ValueError, match=r"line 2: '7' has [24] numbers, expected 3"):
        read_vectors(write(f"{STAR}\n{first}\n{second}\n{STAR}\n{STAR}\n"), ["7", "8"])


def test_the_line_number_counts_the_lines_of_earlier_blocks(write, monkeypatch):
    monkeypatch.setattr(vector_file, "HEAD_BYTES", 1000)
    monkeypatch.setattr(vector_file, "BLOCK_BYTES", 64)
    path = write(f"{SUN}\n" * 1233 + "moon 1 x 3\n" + f"{STAR}\n" * 9)
    with pytest.raises(ValueError, match=r"line 1,234: number 2 is 'x'"):
        read_vectors(path, ["moon"])


@pytest.mark.parametrize("cut", ["m", "moon", "moon ", "moon 1", "moon 1 2", "moon 1 2 ", "moon 1 2 -", "moon 1 2 3e"])
@pytest.mark.parametrize("asked", ["moon", "sun"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_cut_last_line_is_an_error_whoever_asks(write, cut, asked, end):
    with pytest.raises(ValueError, match=r"vectors.txt, line 3: .*(expected 3|finite)"):
        read_vectors(write(f"{SUN}\n{STAR}\n{cut}{end}"), [asked])


def test_fewer_rows_than_the_header_promises_is_an_error(write):
    with pytest.raises(ValueError, match=r"line 3: the file ends after 2 vectors, its header promises 5"):
        read_vectors(write(f"5 3\n{SUN}\n{MOON}\n"), ["sun"])


@pytest.mark.parametrize("content", ["", "\n", "\n" * 100])
def test_an_empty_file_is_an_error(write, content):
    with pytest.raises(ValueError, match=r"vectors.txt: there are no vectors in it"):
        read_vectors(write(content), ["sun"])


@pytest.mark.parametrize("content", ["just some words\nand more\n", b"\x00\x01\x02\xff\x80\x03\n" * 10])
def test_a_file_without_numbers_is_an_error(write, content):
    with pytest.raises(ValueError, match=r"line 1: no numbers after the token"):
        read_vectors(write(content), ["sun"])


def test_a_file_without_line_ends_is_an_error(write):
    with pytest.raises(ValueError, match=r"line 2: longer than 1,048,576 bytes"):
        read_vectors(write(f"{SUN}\n" + "x" * 6_000_000), ["sun"])


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file '.*nowhere.txt'"):
        read_vectors(tmp_path / "nowhere.txt", ["sun"])


@pytest.mark.parametrize("vectors", [3, None, [["sun", 1]], ("a", "b", "c")])
def test_what_holds_no_vectors_is_an_error(vectors):
    with pytest.raises(TypeError, match=r"expected vectors to be the path"):
        read_vectors(vectors, ["sun"])


@pytest.mark.parametrize("tokens", ["sun", ["sun", 3], [b"sun"]])
def test_tokens_that_are_no_strings_are_an_error(tokens):
    with pytest.raises(TypeError, match=r"expected tokens to be a sequence of str"):
        read_vectors({"sun": [1.0]}, tokens)
