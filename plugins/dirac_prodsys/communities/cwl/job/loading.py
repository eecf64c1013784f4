"""Replaces the file that a job of type ``cwl`` names by the process itself, packed.

So what is served needs no other file, and whoever reads it needs no software of CWL. ``digest``
pins the process: with another one the job is refused.
"""

from __future__ import annotations

from dirac_prodsys.communities.cwl.document import packing, validity
from dirac_prodsys.communities.cwl.document.process import view
from dirac_prodsys.communities.cwl.document.references import WRONG, References, Unreadable
from dirac_prodsys.core.language.located import Located, Mistakes
from dirac_prodsys.core.text.document import Document

#: the prefix of hints that only we read
NAMESPACE = "dirac"


def packed(job: Located, document: Document, mistakes: Mistakes) -> tuple[Located, tuple[str, ...]]:
    """Return the job with its process packed, and the names of the files that it is made of."""
    named = job.get("file")
    if named is None or job.get("packed") is not None or not isinstance(named.value, str):
        return job, ()
    before = len(mistakes.found)
    references = References(document, mistakes)
    try:
        whole = references.process_of(named)
    except Unreadable:
        return job, tuple(references.read)
    process = view(whole, mistakes)
    if process is not None and len(mistakes.found) == before:
        validity.check(whole, mistakes)
    if process is None or len(mistakes.found) > before:
        return job, tuple(references.read)
    return pinned(job, whole, mistakes), tuple(references.read)


def pinned(job: Located, whole: Located, mistakes: Mistakes) -> Located:
    """Return the job with this process, if its digest is the one that the job names."""
    process = whole.plain()
    # that of the hints means nothing to who runs the process
    named = {k: v for k, v in process.pop("$namespaces", {}).items() if k != NAMESPACE}
    process |= {"$namespaces": named} if named else {}
    found, wanted = packing.digest(process), job.get("digest")
    if wanted is not None and wanted.value != found:
        reason = f"the digest of {job.text('file') or 'the process'} is {found}"
        mistakes.add(wanted, reason, "look at what changed, then write this digest", code=WRONG)
    text = packing.pack(process)
    if len(text) > packing.MOST_PACKED:
        reason = f"packed it has {len(text):,} characters, and {packing.MOST_PACKED:,} are the most"
        mistakes.add(job, reason, "leave long texts out, or put them into files", code=WRONG)
    place = job.get("file") or job
    return job.put({"digest": place.scalar(found), "packed": place.scalar(text)})
