"""Which approved drug could help with this disease? From a biomedical knowledge graph to ranked drugs.

    import hgt_repurposing as hr

provides the functions and settings of `api.py`, loaded on first access: importing any part of the package runs this
file, and the code location must load without torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hgt_repurposing.api import (
        CandidateParams,
        ClassifierParams,
        EmbeddingParams,
        ExternalFile,
        GraphSource,
        SplitConfig,
        embed,
        evaluate,
        fit_hgt,
        fit_model,
        load_graph,
        rank,
        score,
        split_pairs,
        validate,
    )

__all__ = [
    "CandidateParams",
    "ClassifierParams",
    "EmbeddingParams",
    "ExternalFile",
    "GraphSource",
    "SplitConfig",
    "embed",
    "evaluate",
    "fit_hgt",
    "fit_model",
    "load_graph",
    "rank",
    "score",
    "split_pairs",
    "validate",
]


def __getattr__(name: str) -> Any:  # Any: a function or a class of the API
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hgt_repurposing import api  # noqa: PLC0415  (torch loads with it)

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted(__all__)
