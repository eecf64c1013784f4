"""Our side of the comparison with CTADIRAC: bodies, rendered where CTADIRAC is installed.

Run as a program by the Python that a connection would name as ``dirac_python``:
``our_side.py REQUEST ANSWER``, both lists in JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.gateway.bodies import render


def main(request: Path, answer: Path) -> None:
    """Render every body of the request."""
    bodies = [CommunityBody.model_validate(body) for body in json.loads(request.read_text())]
    answer.write_text(json.dumps([render(body) for body in bodies]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
