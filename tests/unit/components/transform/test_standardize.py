"""Words of any script, against a rule written with Python's `unicodedata` and `re`."""

# ruff: noqa: RUF001 - letters of all scripts

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import unicodedata

import pytest
import tensorflow as tf

from components.transform.ngrams import split_words

EVERY = [
    char
    for char in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(char) not in {"Cn", "Co", "Cs"}
]
# Letters without case and parts are the same in all normal forms, and touch no punctuation.
CHANGING = [
    char
    for char in EVERY
    if unicodedata.category(char) != "Lo" or not unicodedata.is_normalized("NFD", char)
]
FORMS = re.compile("<(compat|final|font|initial|isolated|medial|narrow|wide)>")
UNSPACED = re.compile(
    "(VERTICAL )?(AHOM|BALINESE|BOPOMOFO|CJK|HANGZHOU|HENTAIGANA|HIRAGANA|JAVANESE|KANA|KANGXI"
    "|KATAKANA|KHMER|LAO|IDEOGRAPHIC (CLOSING|ITERATION|NUMBER)|MASU|MYANMAR|NEW TAI|TAI|THAI|YI)"
    "\\b"
)


def oracle(text, punctuation):
    """The words of a text, one letter with its marks after the other."""
    text = "".join(map(presentation, unicodedata.normalize("NFD", text)))
    text = unicodedata.normalize("NFD", text)
    # Where TensorFlow's lower case differs: it writes a sigma at the end of a word as ς, which
    # capitals don't tell from σ; and İ as i with a dot, which is i in Turkish.
    text = text.lower().replace("ς", "σ").replace("i\u0307", "i")
    words = [""]
    for letter in letters(text):
        base, marks = letter[0], letter[1:]
        if is_space(base):
            words += ["", marks]
        elif is_punctuation(base):
            words += [""] * (punctuation == "split")
        elif is_word(base):
            words += [letter, ""]
        else:
            words[-1] += letter
    return [word for word in words if word]


def letters(text):
    found = []
    for char in text:
        if (unicodedata.category(char) == "Cf" and char != "\u200b") or is_ignored(char):
            continue
        is_mark = unicodedata.category(char)[0] == "M"
        if found and is_mark and (is_word(found[-1][0]) or not is_word(char)):
            found[-1] += char
        else:
            found.append(char)
    return found


def presentation(char):
    has_form = FORMS.match(unicodedata.decomposition(char))
    return char if is_punctuation(char) or not has_form else unicodedata.normalize("NFKD", char)


@functools.cache
def is_space(char):
    return unicodedata.category(char) in {"Zs", "Zl", "Zp", "Cc"} or char in "\u200b\ufffd"


@functools.cache
def is_ignored(char):
    return re.search("VARIATION SELECTOR|GRAPHEME JOINER", unicodedata.name(char, ""))


@functools.cache
def is_punctuation(char):
    category = unicodedata.category(char)
    return category[0] == "P" or category in {"Sm", "Sc", "Sk"}


@functools.cache
def is_word(char):
    return unicodedata.category(char) == "So" or UNSPACED.match(unicodedata.name(char, ""))


def texts_with(chars):
    """Each character alone with marks, within a word, and after a letter with its mark."""
    return [f"{char}\u0323\u0307 x{char}y e\u0301{char}" for char in chars]


def words_of(texts, punctuation):
    found = split_words(tf.constant(texts), punctuation, "unicode")
    return [[word.decode() for word in words] for words in found.to_list()]


@pytest.mark.parametrize(
    ("punctuation", "chars"), [("split", EVERY), ("remove", CHANGING)], ids=["split", "remove"]
)
def test_every_assigned_character(punctuation, chars):
    texts = texts_with(chars)
    wrong = [
        (hex(ord(char)), words, expected)
        for char, text, words in zip(chars, texts, words_of(texts, punctuation), strict=True)
        if words != (expected := oracle(text, punctuation))
    ]
    assert wrong == []


def test_normal_forms_have_the_same_words():
    texts = texts_with(CHANGING)
    found = words_of(texts, "split")
    for form in ("NFC", "NFD"):
        assert words_of([unicodedata.normalize(form, text) for text in texts], "split") == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Кредит ВКЛАД кредит", "кредит вклад кредит"),
        ("a\u00a0b\u2028c\u200bd\u0085e\x00f", "a b c d e f"),
        ("so\u00adft \ufeffmark \u202bright\u202c می\u200cخواهم", "soft mark right میخواهم"),
        ("“few-shot”—naïve’s ¿qué? α≤β€ a≠b", "few shot naïve s qué α β a b"),
        ("Größe GRÖSSE и й n ñ ı i", "größe grösse и й n ñ ı i"),
        ("İSTANBUL istanbul ΛΟΓΟΣ λόγος", "istanbul istanbul λογοσ λόγοσ"),
        ("日本語のデータ。abcのＡＢＣ", "日 本 語 の デ ー タ abc の abc"),
        ("ภาษาไทย 한국어 ｶﾞ", "ภ า ษ า ไ ท ย 한국어 ガ"),
        ("ﬁne 𝐱² 25°C 👍🏽👍", "fine x² 25 ° c 👍 👍"),
        (b"caf\xe9 \xff\xc3 ok\xf0\x9f", "caf ok"),
    ],
)
def test_words(text, expected):
    assert words_of([text], "split") == [unicodedata.normalize("NFD", expected).split()]


def test_ascii_texts_keep_their_words_whatever_is_beside_them():
    plain = ["", "  ", "Few-shot l2_norm\n(x)\t\fA", "!"]
    mixed = [*plain, "Über", "\u0301", "\x1b[0m", "a\u0301\u0327"]
    for punctuation in ("remove", "split"):
        found = words_of(mixed, punctuation)
        assert found == [words_of([text], punctuation)[0] for text in mixed]
        ascii_words = split_words(tf.constant(plain), punctuation, "ascii").to_list()
        assert [[word.encode() for word in words] for words in found[: len(plain)]] == ascii_words


def test_the_locale_changes_nothing():
    """TensorFlow's own lower case takes a Turkish I for ı; the first word shows that it does."""
    code = (
        "import tensorflow as tf; from components.transform.ngrams import split_words;"
        "print(tf.strings.lower('I', 'utf-8').numpy().decode(),"
        "*(word.decode() for word in split_words(tf.constant([TEXT]), 'split', 'unicode').values"
        ".numpy()))"
    )
    text = "TITLE Ü İI Ìį́"
    found = subprocess.run(
        [sys.executable, "-c", code.replace("TEXT", ascii(text))],
        env=os.environ | {"LC_ALL": "tr_TR.UTF-8", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert found.stdout.split() == ["ı", *words_of([text], "split")[0]]
