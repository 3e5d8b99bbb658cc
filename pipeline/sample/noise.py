"""What makes real files untidy: line breaks, LaTeX, quotes, accents and revised repeats."""

from __future__ import annotations

from typing import Final

from pipeline.sample.dice import Dice

_LATEX: Final = (
    r"The running time is $\mathcal{O}(n \log n)$ in the number of samples.",
    r"We obtain a rate of $\tilde{O}(1/\sqrt{T})$ after $T$ steps.",
    r"The bound scales as $\sqrt{d/n}$, where $d$ is the dimension.",
    r"All differences are significant at $p < 0.05$.",
    r"\textbf{All} results are averaged over ten runs.",
    r"We write $f^\star = \arg\min_{f \in \mathcal{F}} R(f)$ for the best predictor.",
    r"For $\alpha \in (0, 1)$ the error is at most $C_\alpha \|x - y\|_2^{2\alpha}$.",
    r"The code is at \url{https://example.org/code}.",
    r"It is \emph{not} necessary that $n \gg d$.",
)
_QUOTES: Final = (
    'We call this the "silent failure" of tuning.',
    'The answer to the question "is more data enough?" is negative.',
    'What counts as "good enough" depends on the use.',
    'In this sense there is no "free lunch".',
    'We distinguish "easy", "hard" and "undecided" cases.',
)
_ACCENTS: Final = (
    "The argument rests on a Poincaré inequality and on a lemma of Erdős and Rényi.",
    "A naïve implementation is several orders of magnitude slower.",
    "We use the Kullback–Leibler divergence with weight β ≤ 1.",  # noqa: RUF001
    "The step size λ is chosen as in the work of Łojasiewicz and Hölder.",
    "Measurements were repeated at 20 °C with a tolerance of ±3 μm.",
    "Data were collected in São Paulo, Zürich and Kraków.",
    "Following Gödel’s and Schrödinger’s examples, we argue “from the limits”.",  # noqa: RUF001
    "The method is named after Itô calculus and Möbius transforms.",
)
_TITLE_ENDINGS: Final = (
    " beyond the $L_2$ norm",
    " at a $\\sqrt{n}$ rate",
    " on Erdős–Rényi graphs",  # noqa: RUF001
    " à la Fréchet",
    ' and the "no free lunch" principle',
    ", revisited",
)
_REVISIONS: Final = (
    "In this revised version a mistake in the evaluation has been corrected.",
    "This version adds an appendix with further experiments.",
    "Accepted for publication after minor changes.",
)


def untidy_title(title: str, dice: Dice) -> str:
    """Gives a few titles an ending with LaTeX, accents or quotes."""
    return title + dice.pick(_TITLE_ENDINGS) if dice.chance(0.06) else title


def untidy_abstract(abstract: str, dice: Dice) -> str:
    """Adds sentences with LaTeX, quotes and accents to some abstracts, and line breaks.

    Args:
        abstract: The abstract, on one line.
        dice: Where every choice comes from.

    Returns:
        The abstract, about half of the time broken into lines as arXiv breaks them.
    """
    if dice.chance(0.14):
        abstract += " " + dice.pick(_LATEX)
    if dice.chance(0.08):
        abstract += " " + dice.pick(_QUOTES)
    if dice.chance(0.10):
        abstract += " " + dice.pick(_ACCENTS)
    if dice.chance(0.45):
        width = dice.between(72, 80)
        abstract = ("\n  " if dice.chance(0.1) else "\n").join(_lines(abstract, width))
    return abstract


def _lines(text: str, width: int) -> list[str]:
    """Breaks the text at its spaces into lines of at most ``width`` characters."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def revised_abstract(abstract: str, dice: Dice) -> str:
    """The abstract as a later version of the same paper has it."""
    return abstract + " " + dice.pick(_REVISIONS)
