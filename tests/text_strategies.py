"""Texts that try what Unicode has: shared by the suites of vocabularies and of the text graphs."""

from hypothesis import strategies as st

# Each stands for a way to go wrong: NUL, non-characters, case pairs of other ages and lengths, marks, joiners, spaces.
UNUSUAL = [
    *["\0", "\ufffe", "\ufffe kept", "\uffff", "\U0010ffff", "\ufeff", "\ufffd"],
    *[
        "É",
        "İ",
        "ǅ",
        "ǆ",
        "ß",
        "ẞ",
        "ΟΔΟΣ",
        "ς",
        "Σ",
        "Ა",
        "ა",
        "Ꭰ",
        "ꭰ",
        "Ａ",
        "ａ",
        "Ⅷ",
        "Ⓐ",
        "𐐀",
        "ﬁ",
        "\u212a",
        "\u212b",
        "ſ",
    ],
    *[
        "e\u0301",
        "\u0301",
        "👍🏽",
        "👨\u200d👩\u200d👧",
        "❤\ufe0f",
        "🇧🇷",
        "漢字",
        "カ",
        "ｶﾞ",
        "한국어",
        "עברית",
        "हिन्दी",
        "ไทย",
    ],
    *["don't", "it’s", "'", "''", "’", "'tis", "rock'n'roll", "O'", "\u02bc", "`", '"'],
    *[
        " ",
        "\t",
        "\n",
        "\r\n",
        "\v",
        "\f",
        "\x1c",
        "\x1f",
        "\x7f",
        "\x85",
        "\xa0",
        "\xad",
        "\u200b",
        "\u2028",
        "\u3000",
    ],
    *["[PAD]", "[UNK]", "[START]", "[END]", "[", "]", "^", "-", "\\", "\\d", ".*", "a-z", "|", "(", "$", "{1}", "/"],
    *["a", "A", "Z", "z", "0", "9", "_", "12,5%", "e-mail", "THE", "the", "não", "NÃO", "١٢"],
]

character = st.characters(codec="utf-8")
any_text = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from(UNUSUAL) | character, max_size=12).map("".join),
    st.lists(st.sampled_from(UNUSUAL), max_size=8).map(" ".join),
    st.text(st.sampled_from("abAB'’ .,\n"), max_size=20),
    st.text(st.characters(codec="utf-8", categories=["Lu", "Lt", "Ll", "Zs", "Cc", "So", "Mn"]), max_size=20),
)
ascii_text = st.text(st.characters(codec="ascii"), max_size=30)
few_texts = st.lists(any_text, min_size=1, max_size=4)
