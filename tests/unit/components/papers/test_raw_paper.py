"""What a paper is called by, and what is made of its parts."""

from components.papers.raw_paper import RawPaper


def test_text_and_key_take_the_title_where_there_is_one():
    paper = RawPaper("A title", "An abstract.", ("cs.LG",))
    assert (paper.text, paper.key()) == ("A title\nAn abstract.", "A title")
    untitled = RawPaper("", "An abstract.", ("cs.LG",))
    assert (untitled.text, untitled.key()) == ("An abstract.", "An abstract.")
