"""Writes the text of a production that is complete in itself, whatever files it was made of.

Invariant: the text is read back as the same data: text that a YAML reader would take for anything
else is quoted.
"""

from __future__ import annotations

from typing import Any

import yaml

from dirac_prodsys.core.text.scalar import resolve

#: characters of a line, after which a list is broken
_WIDTH = 100


class _Writer(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Whether to write no aliases: always, because they are not read."""
        return True


def _text(writer: _Writer, value: str) -> yaml.ScalarNode:
    style = None if isinstance(resolve(value), str) else '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Writer.add_representer(str, _text)


def text_of(data: dict[str, Any], *, files: tuple[str, ...]) -> str:
    """Write the data as YAML.

    :param files: names of the files that it was made of, for people.
    """
    body = yaml.dump(
        data, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=_WIDTH, indent=2
    )
    return f"# {' over '.join(files)}, resolved\n{body}"
