"""Learns the pieces of a subword vocabulary from texts, by sentencepiece's byte-pair encoding.

Sources: R. Sennrich, B. Haddow, A. Birch: Neural machine translation of rare words with subword units. ACL 2016,
arXiv:1508.07909. T. Kudo, J. Richardson: SentencePiece. EMNLP 2018, arXiv:1808.06226.
"""

import io
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from types import ModuleType

from keras_seqkit.text.vocabulary.counting import rank_tokens
from keras_seqkit.text.vocabulary.rules import TextRules
from keras_seqkit.text.vocabulary.subword_limit import MAX_PATTERN_SIZE, pattern_size
from keras_seqkit.text.vocabulary.subword_splitter import SubwordSplitter

DEFAULT_MAX_TOKENS = 2000
# What sentencepiece writes for a space and for what it does not know, and what it keeps to itself: never in a word.
_SPACE, _NO_PIECE = "\u2581", "\u2585"
# It leaves out sentences above 4,192 bytes.
_WORDS = re.compile(f" ?[^\\s\0\ufffd{_SPACE}{_NO_PIECE}]{{1,1000}}").findall


def learn_pieces(
    texts: Iterable[str], rules: TextRules, max_tokens: int | None, min_count: int, reserved: Sequence[str]
) -> tuple[list[str], list[int], list[int]]:
    """Learns pieces: the characters of the texts first, then what stands together most often.

    Args:
        texts: checked texts, read once.
        rules: which characters are replaced first.
        max_tokens: the size of the vocabulary at most, the reserved tokens counted in; `None`: 2,000, or as many of
            them as an exported file can hold.
        min_count: a character that is seen less often is left out.
        reserved: the tokens that no piece may be.

    Returns:
        The pieces, how often each is used in the texts, and their ranks by first appearance: the most used first,
        ties by first appearance, and last the characters that stand inside of longer pieces only.

    Raises:
        ImportError: sentencepiece is not installed.
        ValueError: `max_tokens` leaves no room for the reserved tokens, or `min_count` is below 1.
    """
    size = DEFAULT_MAX_TOKENS if max_tokens is None else max_tokens
    texts = [rules.normalize(text) for text in texts]
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(text)
    frequent = rank_tokens(seen, size, min_count, len(reserved))[0]
    characters = [" ", *(character for character in frequent if character != " ")][: size - len(reserved)]
    wanted = size - len(reserved) - len(characters)
    words = _count_words(texts, set(seen) - set(characters))
    longer = [piece for piece in _byte_pairs(words, wanted) if piece not in reserved]
    if max_tokens is None:
        longer = longer[: _how_many_fit(characters, longer)]

    splitter = SubwordSplitter([*characters, *longer], TextRules("subword", lowercase=False))
    uses: Counter[str] = Counter()
    for text in texts:
        uses.update(splitter.split(text))
    # A longer piece that no text uses would never be trained, and what is made of it is as well made of its parts.
    learned = {*characters, *longer}
    pieces = [piece for piece in uses if piece in learned]
    pieces += [character for character in characters if character not in uses]
    first_seen = {piece: rank for rank, piece in enumerate(pieces)}
    pieces.sort(key=lambda piece: -uses[piece])  # stable: ties stay in the order of first appearance
    return pieces, [uses[piece] for piece in pieces], [first_seen[piece] for piece in pieces]


def _count_words(texts: Iterable[str], left_out: set[str]) -> Counter[str]:
    """Counts the words of texts, each with the space before it; a word ends at white space and at what is left out."""
    table = dict.fromkeys(map(ord, left_out), "\0")
    words: Counter[str] = Counter()
    for text in texts:
        words.update(_WORDS(f" {text}".translate(table) if table else f" {text}"))
    return words


def _byte_pairs(words: Counter[str], wanted: int) -> list[str]:
    """Returns pieces of two characters or more, at most `wanted` of them, in the order in which they are learned."""
    alphabet = set("".join(words))
    if wanted <= 0 or max(map(len, words), default=0) < 2:
        return []
    sentencepiece = _sentencepiece()
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(f"{word.replace(' ', _SPACE)}\t{count}" for word, count in words.items()),
        model_writer=model,
        input_format="tsv",
        model_type="bpe",
        vocab_size=1 + len(alphabet) + wanted,  # the unknown piece, characters, and what is wanted
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        num_threads=1,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        unk_id=0,
        unk_piece=_NO_PIECE,
        minloglevel=2,
    )
    found = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [found.id_to_piece(place).replace(_SPACE, " ") for place in range(1, found.get_piece_size())]
    return [piece for piece in pieces if len(piece) > 1][:wanted]


def _how_many_fit(characters: Sequence[str], longer: Sequence[str]) -> int:
    def size(count: int) -> int:
        return pattern_size([*characters, *longer[:count]])

    return max(0, bisect_right(range(len(longer) + 1), MAX_PATTERN_SIZE, key=size) - 1)


def _sentencepiece() -> ModuleType:
    try:
        import sentencepiece
    except ImportError as error:
        raise ImportError(
            "Vocabulary.from_texts: level='subword' learns pieces with sentencepiece, which is not installed. Install "
            "it: pip install 'keras-seqkit[train]'. A vocabulary that is saved needs it no more."
        ) from error
    return sentencepiece
