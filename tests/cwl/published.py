"""Fetches what others have published, by pip: their files are not ours, and are kept nowhere.

Pip reads the metadata of a source archive by building it, which takes most of a minute, and runs
code of the archive. Only the files are wanted: so its builder is a stand-in that copies what the
archive says about itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

#: in place of ``setuptools.build_meta``
_BUILDER = """\
import email
import pathlib
import shutil


def prepare_metadata_for_build_wheel(folder, settings=None):
    said = email.message_from_string(pathlib.Path("PKG-INFO").read_text("utf-8"))
    name = f"{said['Name'].replace('-', '_')}-{said['Version']}.dist-info"
    pathlib.Path(folder, name).mkdir()
    shutil.copy("PKG-INFO", pathlib.Path(folder, name, "METADATA"))
    return name
"""


def fetch(root: Path, *packages: str) -> dict[str, Path]:
    """Return the unpacked folder of each ``name==version``, by its name."""
    stand_in = root / "stand-in" / "setuptools"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").touch()
    (stand_in / "build_meta.py").write_text(_BUILDER)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--ignore-requires-python", "-d", root, *packages],
        env={**os.environ, "PYTHONPATH": str(stand_in.parent)},
        check=True,
    )
    for archive in root.glob("*.tar.gz"):
        with tarfile.open(archive) as opened:
            opened.extractall(root, filter="data")
    named = (package.partition("==") for package in packages)
    return {name: root / f"{name.replace('-', '_')}-{version}" for name, _, version in named}
