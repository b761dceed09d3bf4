"""Whether the model is ahead of its baselines, behind them or neither: decided here and nowhere else."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from hgt_repurposing.baselines.catalogue import BASELINES
from hgt_repurposing.benchmark.protocol import spread_over_folds
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.metrics.uncertainty import BootstrapDifference

Standing = Literal["ahead", "tied", "behind"]
Doubt = Literal["noise", "too few", "baselines missing"]

MIN_DISEASES = 6
"""Fewer are inconclusive: a model as good as the baseline would be ahead in all of n diseases, or in none, with
probability 2 / 2^n, which is below 5 % from n = 6. An interval over fewer is not a 95 % interval."""
NEVER_BEST = frozenset(name for name, baseline in BASELINES.items() if not baseline.may_be_best)
"""Baselines that may be missing without casting doubt on a lead."""


class Lead(NamedTuple):
    """The model compared with the best baseline on one split kind, by its deciding metric."""

    split: str
    metric: str
    baseline: str
    """The best one by that metric, among those measured on every fold."""
    own: float
    """The model's value, mean over folds."""
    folds: FloatArray
    """The model's value minus the baseline's. Shape [num_folds]."""
    interval: BootstrapDifference | None
    """Of the difference, over diseases; None for held-out drugs, and for fewer than `MIN_DISEASES`."""
    num_diseases: int
    """Diseases for which the difference is known individually; 0 if it is not, as for held-out drugs."""
    missing: Mapping[str, str]
    """Baselines that could not be computed, or not on every fold, with the reason."""
    where: str = ""
    """Beginning of the verdict, such as `On the whole grid, in the setting cold drug,`; empty: that of the split."""

    @property
    def mean(self) -> float:
        """Mean over folds."""
        return float(self.folds.mean())

    @property
    def sd(self) -> float:
        """Standard deviation over folds; NaN for a single one."""
        return spread_over_folds(self.folds)

    @property
    def num_ahead(self) -> int:
        """Folds in which the model is ahead."""
        return int((self.folds > 0).sum())

    @property
    def standing(self) -> Standing:
        """Ahead or behind by more than noise; tied otherwise, whatever the sign of the difference."""
        if self.doubt:
            return "tied"
        return "ahead" if self.mean > 0 else "behind"

    @property
    def doubt(self) -> Doubt | None:
        """Why the model is neither ahead nor behind; None if it is either.

        A difference is more than noise if its mean and its interval over diseases are on the same side of 0. Without
        values of individual diseases, it must exceed one standard deviation over folds. If a baseline that may be best
        could not be computed, a model ahead of the others is not ahead; one behind them is behind.
        """
        if self._too_few:
            return "too few"
        if not self._beyond_noise:
            return "noise"
        if self.mean > 0 and self.misses_the_best:
            return "baselines missing"
        return None

    @property
    def misses_the_best(self) -> bool:
        """Whether a baseline that may be the best one could not be computed."""
        return not self.missing.keys() <= NEVER_BEST

    @property
    def verdict(self) -> str:
        """In a few words."""
        if self.standing != "tied":
            return (
                "the model beats its baselines" if self.standing == "ahead" else "the model is behind its best baseline"
            )
        if self.doubt == "noise":
            return "the model cannot be told apart from its best baseline"
        if self.doubt == "too few":
            return "too little was held out to compare the model with its best baseline"
        return "the model is ahead only of the baselines that could be computed"

    def in_words(self) -> str:
        """The verdict with all its figures, and every baseline that is missing."""
        baseline = "the best baseline that could be computed" if self.missing else "the best baseline"
        spread = (
            "a single fold" if len(self.folds) == 1
            else f"standard deviation {self.sd:.3f} over {len(self.folds)} folds, ahead in {self.num_ahead}"
        )  # fmt: skip
        return (
            f"{self.where or HELD_OUT[self.split].where} the model {self._verb} {baseline} ({self.baseline}): "
            f"{METRICS[self.metric].title} {self.own:.3f}, {self.mean:+.3f} ({spread}); "
            f"{self._noise_in_words()}.{self._missing_in_words()}"
        )

    def missing_by_reason(self) -> str:
        """The missing baselines, grouped by reason; empty if there are none."""
        reasons = dict.fromkeys(self.missing.values())
        parts = [(", ".join(name for name, why in self.missing.items() if why == reason), reason) for reason in reasons]
        return "; ".join(f"{names} ({reason})" for names, reason in parts)

    @property
    def _too_few(self) -> bool:
        if self.num_diseases:
            return self.interval is None
        return len(self.folds) < 2

    @property
    def _beyond_noise(self) -> bool:
        if self.interval is None:
            return abs(self.mean) > self.sd
        return (self.interval.lower > 0 and self.mean > 0) or (self.interval.upper < 0 and self.mean < 0)

    @property
    def _verb(self) -> str:
        if self.standing != "tied":
            return "beats" if self.standing == "ahead" else "is behind"
        return {"noise": "cannot be told apart from", "too few": "cannot be compared with"}.get(
            self.doubt or "", "is ahead of"
        )

    def _noise_in_words(self) -> str:
        if self._too_few:
            few = f"{self.num_diseases} disease{'' if self.num_diseases == 1 else 's'}"
            return f"with {few if self.num_diseases else 'a single fold'}, noise cannot be ruled out"
        if self.interval is None:
            measured = f"{'more' if self._beyond_noise else 'no more'} than the spread over folds"
        else:
            bounds = f"{self.interval.lower:+.3f} to {self.interval.upper:+.3f}"
            measured = f"95 % interval over {self.num_diseases} diseases {bounds}"
        if self._beyond_noise:
            return measured if self.misses_the_best else f"{measured}: more than noise"
        turned = self.interval is not None and not self.interval.lower <= 0 <= self.interval.upper
        return f"{measured}: {'folds and diseases disagree, so this ' if turned else ''}could be noise"

    def _missing_in_words(self) -> str:
        if not self.missing:
            return ""
        said = f" Not computed: {self.missing_by_reason()}."
        if self.doubt == "baselines missing":
            return f"{said} The best baseline is usually among these, so this is not a win."
        return f"{said} The best baseline is usually among these." if self.misses_the_best else said


def worst(leads: Sequence[Lead]) -> Lead:
    """The lead that says least for the model: behind before tied before ahead, of equals the first."""
    return min(leads, key=lambda lead: ("behind", "tied", "ahead").index(lead.standing))
