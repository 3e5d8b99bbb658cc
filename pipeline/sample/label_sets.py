"""The labels of the sample and the label sets that its papers carry."""

from __future__ import annotations

from typing import Final

LabelSet = tuple[str, ...]

TOPIC_OF_LABEL: Final[dict[str, str]] = {
    "cs.LG": "learning",
    "cs.CV": "vision",
    "cs.AI": "reasoning",
    "stat.ML": "statistical learning",
    "cs.CL": "language",
    "cs.RO": "robotics",
    "cs.NE": "evolution",
    "cs.CR": "security",
    "cs.IR": "retrieval",
    "cs.SI": "social",
    "cs.DC": "distributed",
    "cs.HC": "interaction",
    "cs.DS": "algorithms",
    "cs.GT": "games",
    "cs.SD": "audio",
    "eess.AS": "audio",
    "cs.IT": "information",
    "math.IT": "information",
    "cs.SY": "control",
    "eess.SY": "control",
    "cs.NA": "numerics",
    "math.NA": "numerics",
    "math.OC": "optimization",
    "math.ST": "theory",
    "stat.TH": "theory",
    "stat.ME": "methodology",
    "stat.AP": "applied statistics",
    "eess.IV": "imaging",
    "eess.SP": "signals",
    "physics.comp-ph": "simulation",
    "physics.optics": "optics",
    "q-bio.QM": "biology",
    "q-bio.NC": "neuroscience",
    # Codes of ACM and MSC, which authors also put into the field; one holds a semicolon.
    "68T45": "vision",
    "68T05": "learning",
    "62H30": "statistical learning",
    "65K10": "optimization",
    "I.2.6; I.2.10": "vision",
}

# Most frequent first. The order is that of the file: the primary label comes first, and the
# same labels in another order are another value, as on the real file.
COMMON_SETS: Final[tuple[LabelSet, ...]] = tuple(
    tuple(label.strip() for label in line.split(","))
    for line in """\
cs.CV
cs.LG, stat.ML
cs.LG
cs.CL
cs.CV, cs.LG
cs.LG, cs.AI
stat.ML, cs.LG
cs.RO
cs.AI
math.OC
cs.CV, eess.IV
cs.CR
stat.ME
cs.LG, cs.CV
eess.IV, cs.CV
cs.CL, cs.LG
cs.SD, eess.AS
math.ST, stat.TH
cs.IT, math.IT
cs.NE
eess.SP
cs.DS
cs.CR, cs.LG
math.NA, cs.NA
cs.RO, cs.CV
cs.LG, cs.AI, stat.ML
cs.IR
q-bio.NC
cs.SI
cs.HC
cs.DC
eess.SY, cs.SY
stat.ME, stat.ML
physics.optics
math.OC, cs.LG
cs.AI, cs.LG
cs.LG, cs.CR
cs.CL, cs.AI
stat.AP
cs.IR, cs.LG
q-bio.QM
cs.GT
physics.comp-ph
cs.RO, cs.LG
cs.CV, cs.AI
cs.LG, cs.NE
eess.SP, cs.LG
cs.LG, math.OC, stat.ML
cs.SD, cs.LG, eess.AS
stat.ML, cs.LG, stat.ME
cs.CV, cs.RO
eess.AS, cs.SD
cs.LG, cs.CL
cs.CV, cs.LG, eess.IV
q-bio.QM, cs.LG
cs.DC, cs.LG
cs.HC, cs.AI
math.OC, cs.SY, eess.SY
cs.IT, eess.SP, math.IT
stat.ML, math.ST, stat.TH
cs.SI, cs.LG
cs.CV, 68T45
cs.NE, cs.AI
cs.GT, cs.AI
cs.DS, cs.LG
cs.LG, physics.comp-ph
q-bio.NC, cs.NE
stat.AP, stat.ME
cs.IR, cs.CL
cs.LG, cs.RO
eess.IV, cs.CV, cs.LG
cs.CR, cs.DC
cs.LG, math.OC
cs.LG, cs.DC
math.NA, cs.LG, cs.NA
eess.IV, eess.SP
cs.CL, cs.IR
cs.RO, cs.AI
cs.LG, cs.SY, eess.SY
cs.CL, cs.SD, eess.AS
cs.LG, cs.IT, math.IT, stat.ML
stat.ML
cs.GT, cs.DS
eess.IV, physics.optics
cs.LG, 68T05
math.OC, math.NA, cs.NA
cs.AI, cs.CL
stat.ME, stat.AP
cs.RO, cs.SY, eess.SY
cs.NE, cs.LG
cs.LG, q-bio.QM
cs.CV, I.2.6; I.2.10
cs.LG, cs.GT, stat.ML
cs.CV, cs.CL
cs.LG, cs.AI, cs.RO
math.OC, 65K10
cs.SI, stat.AP
cs.CR, cs.AI, cs.LG
stat.ML, cs.LG, 62H30
cs.LG, cs.DS, stat.ML
q-bio.NC, cs.LG, stat.ML
cs.HC, cs.CV
cs.LG, stat.ML, cs.AI
cs.CV, cs.LG, cs.NE
physics.comp-ph, cs.LG, stat.ML
cs.CV, cs.LG, cs.AI, cs.RO
cs.IR, cs.SI
cs.CV, cs.LG, stat.ML, 68T45
cs.AI, cs.LG, cs.NE, stat.ML
eess.SY, cs.LG, cs.SY, math.OC
cs.LG, cs.CR, cs.DC, stat.ML
q-bio.QM, stat.AP
cs.LG, cs.AI, cs.CL, cs.CV, stat.ML
""".splitlines()
)


def neighbours(label: str) -> tuple[str, ...]:
    """The topics of the labels that share a common set with ``label``.

    Args:
        label: One of the labels of the sample.

    Returns:
        Names of topics other than the label's own, each as often as the sets are shared, in
        the order of the sets: a choice among them follows how often they meet.
    """
    own = TOPIC_OF_LABEL[label]
    return tuple(
        TOPIC_OF_LABEL[other]
        for labels in COMMON_SETS
        if label in labels
        for other in labels
        if TOPIC_OF_LABEL[other] != own
    )
