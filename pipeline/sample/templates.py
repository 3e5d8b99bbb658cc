"""The kinds of papers in the sample: their titles and their sentences.

`pipeline.sample.moves` says which slots a template may have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.sample.moves import CLOSINGS, CONTEXTS, GAPS, OPENINGS, RESULTS


@dataclass(frozen=True)
class Kind:
    """A kind of paper: how its titles read and in which order its abstract makes its moves.

    Attributes:
        titles: Templates of titles.
        moves: The sentences to choose from, one tuple of templates for each move.
        body: The move that may be made several times.
    """

    titles: tuple[str, ...]
    moves: tuple[tuple[str, ...], ...]
    body: int


_METHOD: Final = Kind(
    titles=(
        "<name>: <a method> for <subject>",
        "<name>: learning to <aim>",
        "<name>: <subject> with <methods>",
        "<subject> with <methods>",
        "<a method> for <subject> under <obstacle>",
        "Towards <subject> without <obstacle>",
        "<subject> from <material>: <a tool> that works",
        "Improving <measure> in <subject> with <a method>",
        "Fast <methods> for <field> and <subject>",
        "Learning to <aim> using <methods>",
        "How to <aim> despite <obstacle>",
        "Efficient <subject> via <a method> and <a tool>",
    ),
    moves=(
        OPENINGS,
        CONTEXTS,
        GAPS,
        (
            "We propose <name>, <a method> for <subject>.",
            "To <aim>, we introduce <a method> that we call <name>.",
            "In this paper we present <name>, which brings <a method> to <subject>.",
            "We show how <a method>, here called <name>, can be used to <aim>.",
            "Here we combine <a method> with <a tool> in order to <aim>, and name the result "
            "<name>.",
            "Our answer, <name>, replaces the usual <tool> by <a method>.",
        ),
        (
            "The key idea is to couple the <method> with <a tool>, so that <obstacle> can be "
            "dealt with explicitly.",
            "<name> first applies <a tool> to <material> and then refines the outcome with "
            "the <method>.",
            "The <method> is trained end to end and needs no <tool> at test time.",
            "Unlike <a tool>, it makes no assumption about <trouble>.",
            "A separate <tool> takes care of <trouble>.",
            "By design, it trades <score> against <measure> with a single parameter.",
            "We also derive a simple rule for setting its parameters from <material>.",
            "This makes it possible to <aim> even when faced with <trouble>.",
            "As a by-product one obtains <a tool> for <field>.",
            "A variant of it handles <field> with minor changes.",
            "It consists of <few> stages, each of which improves <score> on its own.",
            "The design of <name> was guided by what is known about <field>, where <tools> have "
            "served well for years.",
            "Rather than trying to <aim> in one step, it works with <few> simpler problems that "
            "<a tool> can solve.",
        ),
        RESULTS,
        RESULTS,
        ("An ablation shows that every part of <name> matters.", "", "", ""),
        CLOSINGS,
    ),
    body=4,
)

_THEORY: Final = Kind(
    titles=(
        "On the <measure> of <methods>",
        "Sharp bounds for <subject> under <obstacle>",
        "On <subject> and <field>",
        "<methods> in <subject>: a theoretical view",
        "When does <a method> help in <subject>?",
        "The limits of <subject> with <methods>",
        "A note on <methods> and <obstacle>",
        "Optimal <subject> for <material>",
        "Guarantees for <methods> in <field>",
        "<measure> and <score> in <subject>",
    ),
    moves=(
        OPENINGS,
        CONTEXTS,
        GAPS,
        (
            "We prove that <a method> attains the optimal <measure> for <subject>.",
            "We establish upper and lower bounds on the <measure> that any <method> can reach.",
            "We analyse <methods> for <subject> and show that they adapt to <obstacle>.",
            "We give a new analysis of <a method> that explains why it can <aim>.",
            "We characterise when it is possible to <aim>.",
        ),
        (
            "The proof combines <a tool> with an argument that was first used for <field>.",
            "Our bounds are tight up to constants and hold under <trouble>.",
            "The assumptions are weak and can be checked for <material>.",
            "As a consequence, <a tool> cannot improve <score> in general.",
            "The result carries over to <field> with few changes.",
            "We further show that <a tool> is needed: without it the <measure> may be "
            "arbitrarily bad.",
            "A matching construction based on <setting> shows that no assumption can be dropped.",
            "In contrast to earlier work, neither the dimension nor <trouble> enters the rate.",
            "The analysis also covers <setting>, which earlier results exclude.",
            "The <measure> turns out to depend on <obstacle> more than on the number of <setting>.",
            "We discuss what this means for <tools> that are used to <aim>.",
        ),
        (
            "Numerical examples with <material> illustrate the theory.",
            "Simulations on <material> agree with the predicted <measure>.",
            "We illustrate the findings on <setting>, where <score> behaves as predicted.",
            "A small simulation with <material> supports the conclusions.",
        ),
        CLOSINGS,
    ),
    body=4,
)

_STUDY: Final = Kind(
    titles=(
        "An empirical study of <methods> for <subject>",
        "Do <methods> help in <subject>? Evidence from <material>",
        "What <material> tell us about <subject>",
        "A comparison of <methods> and <tools> for <subject>",
        "Revisiting <subject> with <material>",
        "Understanding <obstacle> in <subject>",
        "<subject> in the wild: lessons from <count> collections of <material>",
        "On the role of <obstacle> in <subject>",
        "Is <a method> enough to <aim>?",
    ),
    moves=(
        OPENINGS,
        CONTEXTS,
        GAPS,
        (
            "We study <subject> under controlled conditions and ask whether <a method> is "
            "really needed.",
            "In this work we compare <methods> and <tools> on <material>.",
            "We report on <count> experiments in which <methods> were used to <aim>.",
            "We examine <many> examples of <material> with respect to <obstacle>.",
            "We revisit <methods> for <subject> with attention to <measure>.",
        ),
        (
            "We vary <trouble> while everything else is held fixed.",
            "A simple <tool> turns out to be a strong baseline.",
            "<measure> and <score> disagree in <percent> percent of the cases.",
            "The effect of <trouble> is smaller than commonly believed.",
            "Differences in <score> vanish once <trouble> has been accounted for.",
            "We find that <a method> helps with <setting> but not with <material>.",
            "Experts in <field> confirmed these findings in a follow-up.",
            "Much of the reported progress in <measure> can be explained by <trouble>.",
            "The choice of <a tool> matters less than the quality of the <setting>.",
            "When <setting> are added, the advantage of the <method> in <score> shrinks to <gain> "
            "points.",
            "To rule out <trouble> as an explanation, we repeat the analysis with <a tool>.",
        ),
        (
            "Overall, <a method> improved <measure> by <gain> points, with wide variation "
            "between <material>.",
            "On average, <measure> rose by <percent> percent, mostly owing to <a method>.",
            "For <material>, the difference in <measure> was <gain> points.",
        ),
        (
            "We give recommendations for those who want to <aim>.",
            "These results question current practice in <field>.",
            *CLOSINGS,
        ),
    ),
    body=4,
)

_SURVEY: Final = Kind(
    titles=(
        "<subject>: a survey",
        "A review of <methods> for <subject>",
        "<subject> and <field>: a tutorial",
        "Challenges in <subject>: from <methods> to <tools>",
        "Ten years of <methods> in <subject>",
    ),
    moves=(
        OPENINGS,
        CONTEXTS,
        (
            "This survey reviews <subject> with a focus on <methods>.",
            "We review <many> papers on <subject> and on <field>.",
            "In this tutorial we introduce <methods> to readers from <field>.",
        ),
        (
            "We group the literature by the way it deals with <trouble>.",
            "For each group we discuss <tools>, typical <setting>, and how <score> is reported.",
            "Particular attention is paid to <trouble> and to <measure>.",
            "We describe how <tools> came to be used to <aim>.",
            "The relation to <field> is made explicit.",
            "We also list <setting> on which new <methods> can be compared.",
            "Where the literature disagrees, for instance on <tools> in <field>, we try to explain "
            "why.",
            "Readers who want to <aim> will find a guide to the choice between <methods> and "
            "<tools>.",
            "A separate section is devoted to <field>, which has borrowed many ideas from "
            "<subject>.",
        ),
        (
            "Open problems include <field> and robustness to <obstacle>.",
            "We conclude with <count> open questions about <subject>.",
            "Finally, we point out where <methods> still fail, notably under <trouble>.",
        ),
    ),
    body=3,
)

_RESOURCE: Final = Kind(
    titles=(
        "<name>: a collection of <material> for <subject>",
        "<name>: an open toolbox for <subject>",
        "A benchmark for <subject> with <material>",
        "<many> <material> for research on <subject>",
        "<name>: measuring <measure> in <subject>",
    ),
    moves=(
        OPENINGS,
        CONTEXTS,
        GAPS,
        (
            "We present <name>, a collection of <many> <material> for research on <subject>.",
            "We release <name>, an open library of <methods> for <subject>.",
            "This paper describes <name>, a benchmark that asks systems to <aim>.",
        ),
        (
            "It covers <count> tasks, among them <field>.",
            "Each item was checked by <few> annotators with a background in <field>.",
            "<name> ships with reference implementations of <methods> and <tools>.",
            "Care was taken to avoid <trouble>.",
            "The documentation explains how <a tool> can be added in a few lines.",
            "Besides <measure>, it reports <score>, which earlier benchmarks leave out.",
            "The items were chosen so that <trouble> and <obstacle> can be studied one at a time.",
            "Part of it consists of <setting>, collected with <field> in mind.",
        ),
        (
            "A first evaluation shows that <a method> is <gain> points behind experts in "
            "<measure>.",
            "Baselines built on <methods> reach only <percent> percent in <measure>.",
            "The best <tool> falls short by <gain> points, which leaves room for progress.",
        ),
        CLOSINGS,
    ),
    body=4,
)

KINDS: Final[dict[str, Kind]] = {
    "method": _METHOD,
    "theory": _THEORY,
    "study": _STUDY,
    "survey": _SURVEY,
    "resource": _RESOURCE,
}
