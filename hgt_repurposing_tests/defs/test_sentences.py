import pytest

from hgt_repurposing.defs.sentences import sentence_of
from hgt_repurposing.mismatch import MismatchError
from hgt_repurposing.storage.manifest import MissingArtifactError, UnreadableArtifactError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            MismatchError("it was fitted on another split", stale=["a"]),
            "it was fitted on another split: materialise a again",
        ),
        (MismatchError("two versions", stale=["a", "b", "c"]), "two versions: materialise a, b and c again"),
        (UnreadableArtifactError("it is damaged", name="a"), "it is damaged: materialise a again"),
        (
            MissingArtifactError("there is none", name="a"),
            "there is none: materialise a first, or make everything with bash scripts/run.sh",
        ),
        (ValueError("num_folds is 0"), "num_folds is 0"),
        (FileNotFoundError("/x: no such file"), "/x: no such file"),
    ],
)
def test_an_error_that_names_an_artefact_says_what_to_click(error: Exception, said: str) -> None:
    assert sentence_of(error) == said
