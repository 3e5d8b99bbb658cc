"""The scripts of today that are written without spaces between words."""

from __future__ import annotations

import re
from typing import Final

# The inside of a character class, which Python's `re` and TensorFlow's RE2 read alike: by block,
# without the marks for letters of any script.
UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao; Myanmar; Khmer
    "\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f"  # Tai Le, New Tai Lue; Tai Tham; Balinese
    "\u2e80-\u2fff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"  # Han
    "\u3041-\u3096\u309d-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"  # kana, Bopomofo, Han
    "\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaadf"  # Yi; Javanese, Myanmar; Myanmar, Tai Viet
    "\uf900-\ufaff\uff66-\uff9f"  # Han, narrow kana
    "\U00011700-\U0001174f\U0001aff0-\U0001b16f\U00020000-\U0003ffff"  # Ahom, kana, Han
)

_PATTERN: Final = re.compile(f"[{UNSPACED}]+")


def count_unspaced(text: str) -> int:
    """Counts the characters of a text that are of these scripts."""
    return 0 if text.isascii() else sum(map(len, _PATTERN.findall(text)))
