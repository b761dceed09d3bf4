"""The report's one script: its search. The page is complete without it."""

import base64
import hashlib
from functools import cache
from importlib.resources import files


@cache
def script_source() -> str:
    """What a content security policy allows so that this script runs, and no other."""
    text = (files("hgt_repurposing.report") / "templates" / "search.js").read_text(encoding="utf-8")
    in_page = text.removesuffix("\n")  # as a template includes it
    return f"'sha256-{base64.b64encode(hashlib.sha256(in_page.encode()).digest()).decode()}'"
