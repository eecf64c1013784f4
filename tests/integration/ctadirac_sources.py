"""CTADIRAC's source distributions: fetched from the package index once, by their hash, and kept.

Nothing of it is built, installed or committed.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
from pathlib import Path

from sandbox.configuration.environment import REPOSITORY
from tests.integration.ctadirac_versions import OLD, python_of

CACHE = REPOSITORY / ".cache" / "ctadirac"


def archive(version: str) -> Path:
    """The distribution; the index names its address and its hash."""
    compile_lock = "uv pip compile - --no-deps --quiet --no-header --format pylock.toml --python"
    locked = subprocess.run(
        [sys.executable, "-m", *compile_lock.split(), python_of(version)],
        input=f"CTADIRAC=={version}",
        capture_output=True,
        text=True,
        check=True,
    )
    sdist = tomllib.loads(locked.stdout)["packages"][0]["sdist"]
    kept = CACHE / sdist["url"].rsplit("/", 1)[1]
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        context = ssl.create_default_context()
        with urllib.request.urlopen(sdist["url"], context=context, timeout=120) as answer:  # noqa: S310
            part = kept.with_suffix(f".{os.getpid()}.part")
            part.write_bytes(answer.read())
            part.replace(kept)
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == sdist["hashes"]["sha256"]
    return kept


def productions(version: str = OLD) -> dict[str, str]:
    """The production files in it: path → text."""
    found = {}
    with tarfile.open(archive(version)) as sources:
        for member in sources:
            if member.isfile() and member.name.endswith((".yml", ".yaml")):
                text = sources.extractfile(member).read().decode()
                if "ProdSteps" in text:
                    found[member.name] = text
    return found
