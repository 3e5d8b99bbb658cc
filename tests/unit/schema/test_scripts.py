"""Scripts without spaces between words."""

from schema.scripts import count_unspaced


def test_characters_of_these_scripts_are_counted():
    assert count_unspaced("日本語、データ abc 한국어 ภาษา ｶﾞ é") == 3 + 3 + 4 + 2
    assert count_unspaced("plain") == 0
