"""Matches users' regular expressions by RE2: in time proportional to the text.

Python's own ``re`` tries every way to match, and ``(a+)+$`` has 2 to the power of the text's length
of them: the match would never end, and block everything else.

Invariant: no text of a user ever becomes a pattern of ``re``, here or in code that we pass it to.
"""

from __future__ import annotations

import functools
from typing import Any

from dirac_prodsys.core.problems import short
from dirac_prodsys.errors import DefinitionError

#: maximum characters of a pattern
MAX_PATTERN = 1_000
#: maximum bytes of a compiled pattern
_MEMORY = 1024 * 1024


def check_pattern(pattern: str) -> None:
    """Check a pattern.

    :raises DefinitionError: it is not a regular expression that is accepted here.
    """
    _compiled(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches.

    :raises DefinitionError: the pattern is not a regular expression that is accepted here.
    """
    return _compiled(pattern).fullmatch(text) is not None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import re2  # few productions have patterns

    if len(pattern) > MAX_PATTERN:
        reason = f"the pattern has {len(pattern):,} characters, more than {MAX_PATTERN:,}"
        raise DefinitionError(reason, "say less, or write type: choice")
    options = re2.Options()
    options.max_mem, options.log_errors = _MEMORY, False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        reason = short(why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why))
        raise DefinitionError(
            f"the pattern is no regular expression of RE2: {reason}",
            "mend it; RE2 has no lookahead, lookbehind or backreferences, and at most {1000}",
        ) from None
