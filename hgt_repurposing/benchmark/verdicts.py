"""Whether the model is ahead of its baselines, level with them or behind: decided here, and nowhere else."""

from collections.abc import Mapping
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
"""Fewer cannot tell: were the model as good as the baseline, it would be ahead in all of n diseases, or in none, with
probability 2 / 2^n, which is below 5 % from six on. An interval over fewer is no 95 % interval."""
NEVER_BEST = frozenset(name for name, baseline in BASELINES.items() if not baseline.may_be_best)
"""What a table can do without and still say that the model is ahead."""


class Lead(NamedTuple):
    """The model against the best baseline of one way of splitting, on the metric that counts there."""

    split: str
    metric: str
    baseline: str
    """The best one by that metric, of those that were measured on every fold."""
    own: float
    """The model's value, mean over folds."""
    folds: FloatArray
    """The model's value minus the baseline's. Shape [num_folds]."""
    interval: BootstrapDifference | None
    """Of the difference, over diseases; None where drugs are held out, and for fewer than `MIN_DISEASES`."""
    num_diseases: int
    """Diseases that the difference was measured on one by one; 0 where it was not, as with held-out drugs."""
    missing: Mapping[str, str]
    """Baselines that could not be computed, or not on every fold, with the reason."""

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
        """Ahead or behind by more than noise; a difference that shows neither, of whatever sign, is a tie."""
        if self.doubt:
            return "tied"
        return "ahead" if self.mean > 0 else "behind"

    @property
    def doubt(self) -> Doubt | None:
        """Why the model is neither ahead nor behind; None where it is one of both.

        Noise is what the interval over diseases allows: a difference is more than that where mean and interval lie on
        one side of 0. Where diseases were not measured one by one, it is what folds differ by, one standard deviation.
        A model that is ahead of the baselines that are left, where others could not be computed, is not ahead of its
        baselines; one that is behind these is behind.
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
            return "the model is level with its best baseline, within the noise"
        if self.doubt == "too few":
            return "too little was held out to tell the model from its best baseline"
        return "the model is ahead only of the baselines that could be computed"

    def in_words(self) -> str:
        """The verdict with all its figures, and every baseline that is missing."""
        baseline = "the best baseline that could be computed" if self.missing else "the best baseline"
        spread = (
            "a single fold" if len(self.folds) == 1
            else f"standard deviation {self.sd:.3f} over {len(self.folds)} folds, ahead in {self.num_ahead}"
        )  # fmt: skip
        return (
            f"{HELD_OUT[self.split].where} the model {self._verb} {baseline} ({self.baseline}): "
            f"{METRICS[self.metric].title} {self.own:.3f}, {self.mean:+.3f} ({spread}); "
            f"{self._noise_in_words()}.{self._missing_in_words()}"
        )

    def missing_by_reason(self) -> str:
        """The baselines that are missing, those of one reason together; empty if there are none."""
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
        return {"noise": "is level with", "too few": "cannot be told from"}.get(self.doubt or "", "is ahead of")

    def _noise_in_words(self) -> str:
        if self._too_few:
            few = f"{self.num_diseases} disease{'' if self.num_diseases == 1 else 's'}"
            return f"{few if self.num_diseases else 'a single fold'} cannot tell whether that is noise"
        if self.interval is None:
            measured = f"{'more' if self._beyond_noise else 'no more'} than folds differ"
        else:
            bounds = f"{self.interval.lower:+.3f} to {self.interval.upper:+.3f}"
            measured = f"95 % interval over {self.num_diseases} diseases {bounds}"
        if self._beyond_noise:
            return measured if self.misses_the_best else f"{measured}: more than noise"
        turned = self.interval is not None and not self.interval.lower <= 0 <= self.interval.upper
        return f"{measured}: {'folds and diseases disagree, so this is ' if turned else ''}within the noise"

    def _missing_in_words(self) -> str:
        if not self.missing:
            return ""
        said = f" Not computed: {self.missing_by_reason()}."
        if self.doubt == "baselines missing":
            return f"{said} The best baseline is usually among these, so this is no win."
        return f"{said} The best baseline is usually among these." if self.misses_the_best else said
