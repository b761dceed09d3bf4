"""What the documents promise: links that lead somewhere, a reference that is the code's, a short front page."""

import re
from pathlib import Path

import parameters
import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "data" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
OWN_WORDS = r"floor|regime|judg|blind.loss|hidden.cell"
"""Those that the field's have replaced; `np.floor` is mathematics."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_can_be_reached_from_the_front_page() -> None:
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen:
            seen.add(page)
            links = LINK.findall(page.read_text(encoding="utf-8"))
            waiting += [(page.parent / link).resolve() for link in links if link.endswith(".md") and "://" not in link]
    assert [page for page in PAGES if page not in seen] == []


def test_the_front_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 600


def test_the_reference_of_parameters_is_that_of_the_models() -> None:
    assert parameters.PAGE.read_text(encoding="utf-8") == parameters.parameters_page()
    assert parameters.main(["--check"]) == 0


def test_code_and_documents_use_the_fields_words() -> None:
    files = [
        *PAGES,
        *(path for path in (ROOT / "hgt_repurposing").rglob("*") if path.suffix in (".py", ".html", ".yaml")),
    ]
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(OWN_WORDS, line.replace("np.floor", ""), flags=re.IGNORECASE)
    ]
    assert found == []
