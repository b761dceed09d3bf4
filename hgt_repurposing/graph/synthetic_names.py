"""Invented names of nodes that sound like their type: a drug ends in -tinib, a disease in -itis."""

from itertools import product

import numpy as np

_STEMS = tuple(
    "".join(parts)
    for parts in product(
        (
            "bel",
            "dru",
            "fal",
            "gim",
            "hol",
            "jax",
            "kev",
            "lum",
            "mor",
            "nev",
            "quo",
            "rud",
            "tev",
            "vel",
            "wix",
            "zan",
        ),
        ("a", "e", "i", "o", "u"),
        ("b", "d", "g", "k", "l", "m", "n", "p", "rv", "t", "v", "z"),
    )
)
_ORGANS = ("hepatic", "renal", "cardiac", "pulmonary", "gastric", "dermal", "ocular", "neural", "splenic", "vascular")
_CONSONANTS = "BDFGKLMNPRTV"
_NAME_PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "anatomy": (("upper ", "lower ", "left ", "right "), _STEMS, ("ic lobe", "al gland", "ic duct", "al layer")),
    "biological_process": (
        ("", "regulation of ", "positive regulation of ", "negative regulation of ", "response to "),
        _STEMS,
        ("in transport", "ate metabolism", "ic signal", "osome assembly", "in binding", "ine synthesis", "ol uptake"),
    ),
    "cellular_component": (("inner ", "outer ", ""), _STEMS, ("osome", "in complex", "ic membrane", "al vesicle")),
    "disease": (tuple(f"{organ} " for organ in _ORGANS), _STEMS, ("osis", "itis", "opathy", "emia", "oid syndrome")),
    "drug": (
        ("",),
        tuple(stem.capitalize() for stem in _STEMS),
        tuple(f"{a}{b}" for a in ("o", "i", "a") for b in ("tinib", "mab", "stat", "pril", "zole", "lone")),
    ),
    "effect/phenotype": (
        ("increased ", "decreased ", "abnormal ", "absent "),
        _STEMS,
        ("in level", "ic reflex", "al tone", "ia"),
    ),
    "exposure": (("",), _STEMS, ("ane", "yl oxide", "ic acid")),
    "gene/protein": (
        tuple(a + b + c for a, b, c in product("JQXZ", _CONSONANTS, _CONSONANTS)),
        tuple(str(number) for number in range(1, 60)),
        ("",),
    ),
    "molecular_function": (
        ("", "positive ", "negative "),
        _STEMS,
        ("in binding", "ase activity", "ol transport", "ine activity", "ate sensing"),
    ),
    "pathway": (
        ("",),
        tuple(stem.capitalize() for stem in _STEMS),
        ("in signalling", "ate degradation", "in cascade", "ol cycle"),
    ),
}
"""Prefixes, stems and suffixes of names, per type."""


def invented_names(node_type: str, num: int, generator: np.random.Generator) -> np.ndarray:
    """Distinct names that sound like their type. Shape [num], object dtype."""
    starts, middles, ends = _NAME_PARTS[node_type]
    code = generator.choice(len(starts) * len(middles) * len(ends), num, replace=False)
    head, rest = np.divmod(code, len(middles) * len(ends))
    middle, end = np.divmod(rest, len(ends))
    parts = (np.array(starts)[head], np.array(middles)[middle], np.array(ends)[end])
    return np.strings.add(np.strings.add(parts[0], parts[1]), parts[2]).astype(object)
