"""Groups of diseases so closely related that holding out one while training on another would prove little.

Two kinds of closeness. *Near-synonyms* share a name after removing case, punctuation, word order, numbering, plurals
and words such as "disease". *Relatives* are joined by an edge between diseases, whatever its relation: resembles, is-a,
parent-child; siblings are connected through their parent.

Near-synonyms always share a group. So do relatives, unless their connected component holds more treated diseases than
a group may. A larger component (most graphs have one) is cut at its weakest links: links are merged strongest first,
skipping any that would make a group too large. The strength of a link is the share of relatives that the two diseases
have in common, so a parent with hundreds of children is close to none of them and does not bring them together.
"""

import re
import unicodedata

import numpy as np
from scipy import sparse

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, FloatArray, IntArray

EMPTY_WORDS = frozenset(
    {"disease", "disorder", "syndrome", "familial", "hereditary", "susceptibility", "of", "the", "to", "and", "with"}
)
"""Words that do not distinguish diseases."""

_NUMBER = r"(?:\d+[a-z]?|(?=[ivx])x{0,3}(?:ix|iv|v?i{0,3}))\b"
"""1, 2b, or a Roman numeral up to 39."""
_TYPE = re.compile(rf"\btype (?:{_NUMBER}|[a-z]\b)")
_TRAILING_NUMBER = re.compile(rf"(?: {_NUMBER})+$")


def normalised_name(name: str) -> str:
    """A disease's name without case, accents, punctuation, numbering, plurals and empty words; words sorted.

    "Diabetes mellitus, type 2" and "type 1 diabetes mellitus" both become "diabete mellitus". A name that would become
    empty is returned unchanged.
    """
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    text = " ".join(re.findall(r"[a-z0-9]+", re.sub(r"'s\b", "", plain)))
    text = _TRAILING_NUMBER.sub("", _TYPE.sub(" ", text).strip())
    words = sorted({_singular(word) for word in text.split()} - EMPTY_WORDS)
    return " ".join(words) or name


def _singular(word: str) -> str:
    """Strip a plural ending; words like pertussis, lupus and abscess are not plurals."""
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")


def disease_groups(graph: KnowledgeGraph, *, max_treated: int) -> IntArray:
    """Group index of each disease.

    Args:
        graph: Only its disease names and the edges between diseases are used.
        max_treated: Most treated diseases per group; only a group of near-synonyms may exceed it.

    Returns:
        Contiguous indices from 0. Shape [num_diseases].

    Single linkage as in Kruskal 1956, with a bound on cluster size.
    """
    from scipy.cluster.hierarchy import DisjointSet  # noqa: PLC0415  (half a second of every command)

    nodes = graph.nodes_of(graph.therapeutic.disease)
    # A disease without a name is named by its id, and similar ids mean nothing.
    alike = [
        name if name == identifier else normalised_name(name)
        for name, identifier in zip(nodes[NODE_NAME], nodes[NODE_ID], strict=True)
    ]
    _, group = np.unique(np.array(alike, dtype=str), return_inverse=True)
    num_diseases = len(group)
    treated = np.isin(np.arange(num_diseases), graph.indications[1])
    size = np.bincount(group, weights=treated).astype(np.int64)
    joined = DisjointSet(range(len(size)))
    for one, other in group[_relatives(graph, num_diseases)].T:
        first, second = joined[one], joined[other]
        together = size[first] + size[second]
        if together <= max_treated and joined.merge(first, second):
            size[joined[first]] = together
    roots = np.array([joined[number] for number in group])
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def related_diseases(graph: KnowledgeGraph) -> IntArray:
    """Distinct pairs of different diseases joined by an edge of any relation. Shape [2, num_pairs]."""
    disease = graph.therapeutic.disease
    found = [index for t, index in graph.edges.items() if t.source == t.target == disease]
    ends = np.sort(np.concatenate([np.empty((2, 0), dtype=np.int64), *found], axis=1), axis=0)
    return np.unique(ends[:, ends[0] != ends[1]], axis=1)


def _relatives(graph: KnowledgeGraph, num_diseases: int) -> IntArray:
    """Pairs of related diseases, closest first, ties by index. Shape [2, num_pairs]."""
    pairs = related_diseases(graph)
    return pairs[:, np.argsort(-_closeness(pairs, num_diseases), kind="stable")]


def _closeness(pairs: IntArray, num_diseases: int) -> FloatArray:
    """Jaccard index of the two neighbourhoods; each disease is its own neighbour. Shape [num_pairs]."""
    one, other = pairs
    ends = np.concatenate([pairs, pairs[::-1], np.tile(np.arange(num_diseases), (2, 1))], axis=1)
    near = sparse.csr_array((np.ones(ends.shape[1]), tuple(ends)), shape=(num_diseases, num_diseases))
    degree = near.sum(axis=1)
    common: FloatArray = near[one].multiply(near[other]).sum(axis=1)
    closeness: FloatArray = common / (degree[one] + degree[other] - common)
    return closeness
