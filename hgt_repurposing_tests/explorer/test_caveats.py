"""What a pair warns of: everything that would mislead, in words that are true of this very pair."""

from pathlib import Path
from typing import get_args

import pytest

from hgt_repurposing.explorer.caveats import KNOWN_AS, caveats
from hgt_repurposing.explorer.library import Library, Named
from hgt_repurposing.explorer.pair_facts import Facts
from hgt_repurposing.graph.settings import IN_WORDS
from hgt_repurposing.repurposing.candidates import Status
from hgt_repurposing_tests.explorer.folders import lists_alone

USUAL = Facts(
    drug=Named("a/b", "Drug 3"),
    disease=Named("2", "hepatic falitis"),
    score=0.4,
    lower=0.2,
    upper=0.6,
    contraindication_score=float("nan"),
    rank=1,
    num_drugs=11,
    rank_of_disease=1,
    num_diseases=3,
    percentile=99.0,
    corrected_rank=1,
    status="new",
    setting="cold disease",
    drug_evidence="evidence",
    disease_evidence="evidence",
    in_list=True,
)


def said(root: Path, facts: Facts, status: str | None = "new") -> tuple[list[str], list[str]]:
    """Warnings, and what else is said."""
    found = caveats(facts, Library(root).open(), status=status)
    warnings, others = ([each.text for each in found if each.is_warning is kind] for kind in (True, False))
    assert [each.text for each in found] == [*warnings, *others]
    return warnings, others


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    return lists_alone(tmp_path)


def test_an_unevaluated_pair_says_so_and_names_its_setting(alone: Path) -> None:
    warnings, others = said(alone, USUAL)
    assert warnings == ["Not evaluated, so it is unknown how far to trust this list: run the job to completion."]
    assert "The graph has no edge between this drug and this disease." in others
    assert "Setting: cold disease (the disease has no known treatment)." in others
    assert any("which is not the uncertainty of the truth" in text for text in others)


@pytest.mark.parametrize("status", get_args(Status))
def test_every_status_has_its_sentence(alone: Path, status: str) -> None:
    warnings, others = said(alone, USUAL, status)
    assert (KNOWN_AS[status] in warnings) == (status in ("contraindication", "not indicated", "other"))
    assert KNOWN_AS[status] in (*warnings, *others)


def test_a_status_that_is_not_known_yet_is_not_guessed_at(alone: Path) -> None:
    warnings, others = said(alone, USUAL, None)
    assert not {*KNOWN_AS.values()} & {*warnings, *others}


@pytest.mark.parametrize(("against", "warns"), [(0.1, False), (0.5, True)])
def test_a_contraindication_more_probable_than_a_treatment_is_a_warning(
    alone: Path, against: float, *, warns: bool
) -> None:
    warnings, others = said(alone, USUAL._replace(contraindication_score=against))
    (text,) = (text for text in (*warnings, *others) if "contraindication" in text)
    assert text.endswith(f": {100 * against:.0f} %, next to 40 % for a missing treatment.")
    assert (text in warnings) == warns


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"drug_evidence": "nothing"}, "The graph knows nothing about this drug: it is ranked by what is usual"),
        ({"drug_evidence": "treatments only"}, "The graph links this drug to diseases only: treatments"),
        ({"disease_evidence": "nothing"}, "The graph knows nothing about this disease: its list is ranked by what is"),
        ({"disease_evidence": "treatments only"}, "The graph links this disease to drugs only: treatments"),
        ({"disease": Named("1", "renal torvosis")}, "Another disease has the same name: 3. This is 1."),
    ],
)
def test_what_makes_a_rank_weak_is_a_warning(alone: Path, change: dict[str, object], sentence: str) -> None:
    warnings, _ = said(alone, USUAL._replace(**change))  # type: ignore[arg-type]
    assert any(text.startswith(sentence) for text in warnings)


def test_the_verdict_is_a_warning_unless_the_model_is_ahead(whole: Path) -> None:
    facts = USUAL._replace(drug=Named("0004", "drug aaae"), disease=Named("0004", "disease aaae"))
    warnings, others = said(whole, facts)
    trust = Library(whole).open().trust
    assert trust is not None
    assert (trust.worst.in_words() in warnings) == (trust.worst.standing != "ahead")
    assert any(text.endswith(trust.assumed) for text in others)


def test_a_setting_is_said_so_that_it_stands_alone(alone: Path) -> None:
    for setting, words in IN_WORDS.items():
        _, others = said(alone, USUAL._replace(setting=setting))
        assert f"Setting: {setting} ({words})." in others
        assert "known" in words
