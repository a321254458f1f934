"""Two variants compared while answers still arrive: to look as often as one likes costs no error.

The interval is a confidence sequence by a normal mixture (Robbins 1970; for two arms with estimated variances Johari,
Pekelis and Walsh 2015; Waudby-Smith et al. 2024): with probability 1 − alpha it holds the true difference at every
moment at once, not only at one chosen before. It is asymptotic, so it is not to be asked before each arm has some
dozens of answers. The check of the traffic's shares is exact at any size (Lindon and Malek 2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, lgamma, log, sqrt

from noria.stats.interval import Span

ALPHA = 0.05
CONCENTRATION = 100.0  # of the Dirichlet prior on the shares of traffic: small deviations take longer to see


@dataclass(frozen=True, slots=True)
class Sample:
    """Some numbers by their count, mean and sum of squared deviations; of two samples it merges (Chan et al. 1979)."""

    count: int = 0
    mean: float = 0.0
    spread: float = 0.0

    @classmethod
    def of_share(cls, hits: int, count: int) -> "Sample":
        """Ones and zeros."""
        return cls(count, hits / count, hits * (count - hits) / count) if count else cls()

    def merge(self, other: "Sample") -> "Sample":
        count = self.count + other.count
        if not count:
            return self
        gap = other.mean - self.mean
        mean = self.mean + gap * other.count / count
        return Sample(count, mean, self.spread + other.spread + gap * gap * self.count * other.count / count)

    @property
    def variance(self) -> float:
        """Of the mean. A little is added, half a unit squared in all, so that some answers which happen to be the same,
        all right or all wrong, are not taken for certain."""
        return (self.spread + 0.5) / (self.count + 1) / self.count if self.count else inf


def difference(a: Sample, b: Sample, *, scale: float, alpha: float = ALPHA) -> Span:
    """The mean of ``b`` minus that of ``a``, with an interval that holds at every look.

    Parameters
    ----------
    scale
        The difference that matters, in the unit of the numbers: the interval is narrowest about where one of that size
        can be told.
    alpha
        Probability that the interval ever fails to hold the true difference.
    """
    if not (a.count and b.count):
        return Span(0.0, -inf, inf)
    v, tau = a.variance + b.variance, scale * scale
    half = sqrt(v * (v + tau) / tau * (log((v + tau) / v) + 2 * log(1 / alpha)))
    gap = b.mean - a.mean
    return Span(gap, gap - half, gap + half)


def p_value(a: Sample, b: Sample, *, scale: float) -> float:
    """Bound on the probability to ever see so much against no difference, if there is none; 1 at most."""
    if not (a.count and b.count):
        return 1.0
    v, tau, gap = a.variance + b.variance, scale * scale, b.mean - a.mean
    evidence = 0.5 * log(v / (v + tau)) + tau * gap * gap / (2 * v * (v + tau))
    return min(1.0, exp(-evidence))


def mismatch(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Bound on the probability to ever see counts so far from these shares, if traffic is divided by them.

    Examples
    --------
    >>> mismatch([500, 500], [0.5, 0.5])
    1.0
    >>> mismatch([600, 400], [0.5, 0.5]) < 0.001
    True
    """
    total = sum(shares)
    prior = [CONCENTRATION * share / total for share in shares]
    evidence = lgamma(CONCENTRATION) - lgamma(CONCENTRATION + sum(counts))
    for count, share, weight in zip(counts, shares, prior, strict=True):
        evidence += lgamma(weight + count) - lgamma(weight) - count * log(share / total)
    return min(1.0, exp(-min(evidence, 700.0)))
