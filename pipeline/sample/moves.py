"""The sentences that papers of several kinds share: how they open, what they miss, how they end.

A slot is a word in angle brackets; ``<a method>`` is it with an article, ``<methods>`` in the
plural. Slots of one paper's own (the same phrase wherever they stand): ``name``, ``subject``,
``aim``, ``method``, ``material``, ``measure``, ``obstacle``. Slots drawn afresh each time:
``field`` (a subject), ``tool`` (a method), ``setting`` (materials), ``score`` (a measure),
``trouble`` (an obstacle), and the numbers ``gain``, ``percent``, ``count``, ``many``, ``few``.
"""

from __future__ import annotations

from typing import Final

OPENINGS: Final = (
    "<subject> has received much attention in recent years.",
    "<subject> is a central problem wherever <setting> are collected.",
    "Progress in <subject> depends on how well one can cope with <obstacle>.",
    "Many applications call for <subject>, yet reliable solutions are rare.",
    "We consider <subject> when only <setting> are available.",
    "In practice one often has to <aim>, and <subject> is the usual way to do so.",
    "The demand for <subject> has grown with the amount of <setting>.",
    "<subject> and <field> are usually treated separately.",
    "How to <aim> is a question of long standing.",
    "This paper is about <subject> in the presence of <obstacle>.",
    "Recent work on <subject> relies heavily on <tools>.",
)

CONTEXTS: Final = (
    "Over the last decade, <methods> and <tools> have become the standard way to <aim>.",
    "Where <setting> abound, even <a tool> can do well.",
    "Improvements in <measure> have come mostly from better <tools>.",
    "The same question arises in <field>, where it is known as a matter of <score>.",
    "It matters for everyone who works with <material>.",
    "Among the many difficulties, coping with <obstacle> is perhaps the most pressing.",
    "",
)

GAPS: Final = (
    "However, existing approaches break down because of <obstacle>.",
    "Most current solutions were designed for <field> and do not carry over to <setting>.",
    "Unfortunately, the usual <tool> is sensitive to <trouble>.",
    "Little is known about what happens under <obstacle>, in particular for <setting>.",
    "Most earlier work optimises <score> alone and pays no attention to <measure>.",
    "Yet it is hard to <aim> when faced with <trouble>.",
    "The common remedy, <a tool>, is costly and needs careful tuning.",
    "Still, the link between <subject> and <field> has not been made precise.",
    "Doing so with <a tool> alone is known to hurt <score>.",
    "",
)

RESULTS: Final = (
    "Experiments on <material> show that it improves <measure> by <gain> points over "
    "the strongest baseline.",
    "On <material> and <setting>, <name> reaches a better <measure> than <count> "
    "competing approaches.",
    "Compared with <a tool>, our approach gains <percent> percent in <measure> at the same cost.",
    "The gains are largest under <obstacle>, where <measure> improves by a factor of <few>.",
    "We evaluate <name> on <many> examples taken from <material>, and observe consistent "
    "gains in <measure>.",
    "Results on <count> collections of <material> confirm the benefit in terms of <measure> "
    "and <score>.",
    "It needs <few> times less time than <a tool> and loses hardly any <score>.",
    "In a comparison on <material>, it is the only approach that remains usable under <trouble>.",
)

CLOSINGS: Final = (
    "Code and trained models are available to the public.",
    "We close with a discussion of limitations and of open problems in <field>.",
    "The findings suggest that <methods> deserve more attention in <field>.",
    "We expect the same idea to be useful for <field>.",
    "Our results open the way to <field> with <setting>.",
    "These observations hold for <setting> as well.",
    "All materials needed to repeat the experiments are released.",
    "",
    "",
)
