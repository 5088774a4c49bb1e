"""Distances and tests between two samples counted in the same bins.

Throughout, `then` and `now` are counts of shape (B,), with totals n and m.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scorewright.monitor.binning import Counts, Floats, pooled_groups

LEAST_EXPECTED = 5.0


def pool(then: Counts, now: Counts, at_least: float = LEAST_EXPECTED) -> tuple[Counts, Counts]:
    """Merge neighbouring bins until both samples are expected to hold `at_least` in each (Cochran 1954).

    Only the bins' totals over both samples decide, so the test's false-alarm rate is untouched by the merging.
    """
    total = then + now
    scale = min(int(then.sum()), int(now.sum())) / max(int(total.sum()), 1)
    groups = pooled_groups(total * scale, at_least)
    size = int(groups[-1]) + 1
    first, second = (np.bincount(groups, weights=counts, minlength=size).astype(np.int64) for counts in (then, now))
    return first, second


def psi(then: Counts, now: Counts) -> float:
    r"""Return the population stability index, :math:`\sum_i (q_i - p_i) \ln(q_i / p_i)` (Siddiqi 2006).

    p and q are the shares then and now, each count raised by one half (Jeffreys' prior) so that an empty bin stays
    finite. It is the symmetrised Kullback-Leibler divergence of the two histograms, in nats.
    """
    p, q = ((counts + 0.5) / (counts.sum() + 0.5 * counts.size) for counts in (then, now))
    return float(np.sum((q - p) * np.log(q / p)))


def psi_by_chance(bins: int, rows: tuple[int, int], level: float) -> float:
    r"""Return the PSI that two samples of one population stay below with probability `level`.

    Without drift :math:`\mathrm{PSI} \cdot nm / (n + m)` tends to a chi-squared variable with B - 1 degrees of freedom
    (Yurdakul 2018, *Statistical Properties of Population Stability Index*).

    Examples
    --------
    >>> round(psi_by_chance(10, (1_000_000, 100), 0.6), 3)  # four in ten undrifted features pass the usual 0.10
    0.094
    """
    from scipy.special import chdtri

    n, m = rows
    return float(chdtri(bins - 1, 1.0 - level)) * (1 / n + 1 / m) if bins > 1 else 0.0


def chi_squared(then: Counts, now: Counts) -> float:
    r"""Return the statistic of homogeneity of two binned samples (Pearson 1911).

    :math:`\chi^2 = \sum_i (a_i \sqrt{m/n} - b_i \sqrt{n/m})^2 / (a_i + b_i)` . No bin may be
    empty in both samples.
    """
    ratio = np.sqrt(now.sum() / then.sum())
    return float(np.sum((then * ratio - now / ratio) ** 2 / (then + now)))


def chi_squared_p(then: Counts, now: Counts) -> float:
    """Return the p-value of `chi_squared`, with B - 1 degrees of freedom; 1 for a single bin."""
    from scipy.special import chdtrc

    return float(chdtrc(then.size - 1, chi_squared(then, now))) if then.size > 1 else 1.0


def _fisher_p(then: Counts, now: Counts) -> float:
    """Two-sided exact p-value of a 2 x 2 table: all tables with these margins that are no likelier (Fisher 1934)."""
    from scipy.special import betaln

    n, m, marked = int(then.sum()), int(now.sum()), int(then[0] + now[0])
    among = np.arange(max(0, marked - n), min(m, marked) + 1)

    def log_choose(size: int, chosen: NDArray[np.int64]) -> Floats:
        return np.asarray(-betaln(size - chosen + 1, chosen + 1) - np.log(size + 1), dtype=np.float64)

    log_p = log_choose(m, among) + log_choose(n, marked - among)
    p = np.exp(log_p - log_p.max())
    observed = p[int(now[0]) - among[0]]
    return float(min(1.0, p[p <= observed * (1 + 1e-7)].sum() / p.sum()))


def proportion_p(then: Counts, now: Counts) -> float:
    """Return the p-value of equal shares in two samples of two kinds, shape (2,); exact where few are expected."""
    total = then + now
    if 0 in total.tolist():
        return 1.0
    expected = float(total.min()) * min(int(then.sum()), int(now.sum())) / int(total.sum())
    return _fisher_p(then, now) if expected < LEAST_EXPECTED else chi_squared_p(then, now)


def ks_statistic(then: Counts, now: Counts) -> float:
    """Return the largest distance between the two distribution functions at the bins' edges.

    It is a lower bound of the Kolmogorov-Smirnov statistic of the values themselves.
    """
    return float(np.max(np.abs(np.cumsum(then) / then.sum() - np.cumsum(now) / now.sum())))


def benjamini_hochberg(p_values: Floats) -> Floats:
    r"""Return p-values adjusted for their number, shape (k,): :math:`\min_{j \ge i} p_{(j)} k / j`.

    Calling those below alpha keeps the expected share of false calls below alpha, and without any drift the chance of a
    single one, for independent or positively dependent tests (Benjamini & Hochberg 1995; Benjamini & Yekutieli 2001).
    """
    count = p_values.size
    order = np.argsort(p_values)[::-1]
    adjusted = np.minimum.accumulate(p_values[order] * (count / np.arange(count, 0, -1)))
    result = np.empty(count)
    result[order] = np.minimum(adjusted, 1.0)
    return result
