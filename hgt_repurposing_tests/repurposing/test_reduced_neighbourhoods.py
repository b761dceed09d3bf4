"""Neighbourhoods of a graph that lost edges give the features that neighbourhoods derived anew would give."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods, Side, neighbourhoods_of
from hgt_repurposing.repurposing.reduced_neighbourhoods import WholeGraph, reduced_neighbourhoods
from hgt_repurposing_tests.repurposing.planted import NUM_DISEASES, planted_graph


@cache
def whole() -> WholeGraph:
    return WholeGraph(planted_graph(), neighbourhoods_of(planted_graph()))


def without(graph: KnowledgeGraph, share: float, types: set[EdgeType], seed: int) -> KnowledgeGraph:
    """The graph without a share of the edges of some types, one at least."""
    generator, edges = np.random.default_rng(seed), dict(graph.edges)
    for edge_type in sorted(types):
        index = edges[edge_type]
        gone = generator.choice(index.shape[1], max(1, int(share * index.shape[1])), replace=False)
        edges[edge_type] = np.delete(index, gone, axis=1)
    return replace(graph, edges=edges)


def in_units_of(anew: Neighbourhoods, before: Neighbourhoods) -> Neighbourhoods:
    """The same neighbourhoods, measured in what the whole graph has: kernels, maxima, mean path counts."""
    means = {paths.name: paths.mean for paths in before.paths}
    return replace(
        anew.with_kernels_of(before),
        drugs=_in_units_of(anew.drugs, before.drugs),
        diseases=_in_units_of(anew.diseases, before.diseases),
        paths=tuple(replace(paths, mean=means[paths.name]) for paths in anew.paths),
    )


def _in_units_of(anew: Side, before: Side) -> Side:
    direct = [name for name, steps in before.steps.items() if len(steps) == 1]
    average = sum(anew.similarities[name] / (before.similarities[name].data.max() * len(direct)) for name in direct)
    return replace(anew, average=average, given_kernel=before.kernel)


TYPES = sorted(t for t in planted_graph().edges if t.source != "disease" or t.target != "disease")


@settings(max_examples=8)
@given(
    st.sets(st.sampled_from(TYPES), min_size=1, max_size=4),
    st.sampled_from([0.01, 0.3]),
    st.integers(0, NUM_DISEASES - 1),
    st.integers(0, 2**32 - 1),
)
def test_features_are_those_of_neighbourhoods_derived_anew(
    types: set[EdgeType], share: float, disease: int, seed: int
) -> None:
    left = without(planted_graph(), share, types, seed)
    visible = Labels.of_graph(left).indications
    anew = in_units_of(neighbourhoods_of(left), whole().neighbourhoods)
    before = whole().neighbourhoods
    for side, of_whole in ((anew.drugs, before.drugs), (anew.diseases, before.diseases)):
        assume(
            np.array_equal(side.anchors, of_whole.anchors)
        )  # without any use it is none in a graph that never had one
    found, expected = (
        PairFeatures.of_every_setting(each, visible) for each in (reduced_neighbourhoods(whole(), left, disease), anew)
    )
    for setting, features in found.items():
        assert features.names == expected[setting].names
        for mine, theirs in (
            (features.block(np.array([disease])), expected[setting].block(np.array([disease]))),
            (features.baselines.block(np.array([disease])), expected[setting].baselines.block(np.array([disease]))),
        ):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def test_where_nothing_is_lost_nothing_is_computed_again() -> None:
    same = reduced_neighbourhoods(whole(), planted_graph(), 3)
    before = whole().neighbourhoods
    for mine, theirs in ((same.drugs, before.drugs), (same.diseases, before.diseases)):
        assert all(mine.similarities[name] is matrix for name, matrix in theirs.similarities.items())
        assert mine.average is theirs.average
    assert all(mine is theirs for mine, theirs in zip(same.paths, before.paths, strict=True))


def test_a_relation_may_lose_all_its_edges() -> None:
    binds = EdgeType("drug", "targets", "gene")
    edges = {**planted_graph().edges, binds: np.empty((2, 0), dtype=np.int64)}
    found = reduced_neighbourhoods(whole(), replace(planted_graph(), edges=edges), 3)
    assert not found.drugs.similarities["targets"].nnz
    assert not found.drug_genes.nnz


def test_only_the_nearest_anchors_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a row of the whole graph was cut, less similar anchors than its last one stay out."""
    for module in ("neighbourhoods", "reduced_neighbourhoods"):
        monkeypatch.setattr(f"hgt_repurposing.repurposing.{module}.NEAREST", 3)
    cut = WholeGraph(planted_graph(), neighbourhoods_of(planted_graph()))
    left = without(planted_graph(), 0.01, {EdgeType("gene", "interacts", "gene")}, 0)
    name = "targets-interacts"
    before, found = cut.neighbourhoods.drugs.similarities[name], reduced_neighbourhoods(cut, left, 3)
    after = found.drugs.similarities[name].toarray()
    treating = np.isin(cut.neighbourhoods.drugs.anchors, left.indications[0, left.indications[1] == 3])
    assert treating.any()
    assert not after[:, ~treating].any()
    kept, gone = before.toarray()[:, treating] > 0, after[:, treating] == 0
    assert (kept & ~gone).sum() > 0.7 * kept.sum()
    for row, least in enumerate(cut.cutoff(name)):
        assert (after[row][after[row] > 0] >= least).all()
