"""The objectives: constructors, one for each question that is asked of random trajectories.

Which estimators are valid for which objective:

===========================  ============  =============  ============  ===========  ==========
objective                    score,        surrogate      langevin      mean_field   difference
                             leap_score
===========================  ============  =============  ============  ===========  ==========
mean, mean_log10, auc        yes           yes            yes           O(1/N)       yes
minimum, maximum             yes           yes [1]_       yes           O(N^-1/2)    yes
probability, time_above,     yes           score part     refused       refused      yes
time_below                                 only [2]_
variance                     yes           yes            yes           refused      yes
quantile                     density [3]_  density [3]_   density [3]_  refused      yes
cvar                         yes           yes            yes           refused      yes
===========================  ============  =============  ============  ===========  ==========

`controlled_score` and `controlled_exact_score` take what `score` takes, `split_difference` what `difference` takes;
`importance` takes one probability.

.. [1] Biased where the counts at the extremum are small.
.. [2] Every reaction that changes a species which the condition reads is treated by score; a reaction that cannot be
   is refused.
.. [3] Divides by a density estimated from the sample: a bias of the order of its bandwidth; refused where the
   quantile stands on a single count that holds much of the probability.
"""

from dataclasses import replace
from typing import Any

from jaxsim.errors import SimulationError
from jaxsim.gradient.functionals import AT, INTEGRAL, MAXIMUM, MINIMUM, Functional
from jaxsim.gradient.objective import Objective, Term, as_signal
from jaxsim.gradient.summaries import MEAN, VARIANCE, Quantile, Summary, TailMean
from jaxsim.network import Binary, Call, Compare, Expression, Number

_Span = Any  # (start, end), numbers, or None


def mean(signal: str | Expression, *, at: float | None = None) -> Objective:
    """Ask for the mean of a species, observable or expression of them at one time.

    Parameters
    ----------
    signal : str
        Such as ``"tumour"`` or ``"tumour / (1 + immune)"``.
    at : float, optional
        In the time unit of the rates; the end of the simulation if not given.

    Returns
    -------
    Objective
        Every estimator takes it.

    Examples
    --------
    >>> print(mean("tumour", at=504))
    mean of tumour at 504
    """
    return _at(as_signal(signal, condition=False), at)


def mean_log10(signal: str | Expression, *, at: float | None = None) -> Objective:
    """Ask for the mean of ``log10(1 + signal)`` at one time, which is 0 for what has died out.

    Parameters
    ----------
    signal : str
    at : float, optional
        The end of the simulation if not given.

    Returns
    -------
    Objective
        Every estimator takes it.

    Examples
    --------
    >>> print(mean_log10("tumour", at=504))
    mean of log10(1 + tumour) at 504
    """
    inner = as_signal(signal, condition=False)
    return _at(Call("log10", (Binary("+", Number(1.0), inner),)), at)


def probability(condition: str | Expression, *, at: float | None = None, during: _Span = None) -> Objective:
    """Ask for the probability that a condition holds at one time, or at any moment of a span.

    Parameters
    ----------
    condition : str
        Such as ``"tumour == 0"`` (eradication) or ``"neutrophils < 500"``.
    at : float, optional
        The time at which it is to hold; the end of the simulation if neither is given.
    during : (float, float), optional
        The span in which it is to hold at some moment (relapse, neutropenia).

    Returns
    -------
    Objective
        For the score estimators, the surrogate where the reactions behind the condition are treated by score, and
        coupled differences; the others are refused, because a path has no derivative there.

    Examples
    --------
    >>> print(probability("tumour == 0", at=504))
    probability of tumour == 0 at 504
    """
    expression = as_signal(condition, condition=True)
    if during is None:
        return _at(expression, at)
    if at is not None:
        raise SimulationError("a probability takes at= or during=, not both; give the one that is meant")
    return _over(MAXIMUM, expression, during)


def auc(signal: str | Expression, *, during: _Span = None) -> Objective:
    """Ask for the mean area under a signal over a span, the whole simulation if none is given.

    Examples
    --------
    >>> print(auc("tumour", during=(0, 504)))
    mean of the integral of tumour from 0 to 504
    """
    return _over(INTEGRAL, as_signal(signal, condition=False), during)


def time_above(signal: str | Expression, line: float, *, during: _Span = None) -> Objective:
    """Ask for the mean time that a signal spends above a line.

    Examples
    --------
    >>> print(time_above("tumour", 1000, during=(0, 504)))
    mean of the integral of tumour > 1000 from 0 to 504
    """
    return _over(INTEGRAL, Compare(">", as_signal(signal, condition=False), Number(float(line))), during)


def time_below(signal: str | Expression, line: float, *, during: _Span = None) -> Objective:
    """Ask for the mean time that a signal spends below a line.

    Examples
    --------
    >>> print(time_below("neutrophils", 500, during=(0, 504)))
    mean of the integral of neutrophils < 500 from 0 to 504
    """
    return _over(INTEGRAL, Compare("<", as_signal(signal, condition=False), Number(float(line))), during)


def minimum(signal: str | Expression, *, during: _Span = None) -> Objective:
    """Ask for the mean of the smallest value of a signal over a span (the nadir).

    Examples
    --------
    >>> print(minimum("neutrophils", during=(0, 504)))
    mean of the minimum of neutrophils from 0 to 504
    """
    return _over(MINIMUM, as_signal(signal, condition=False), during)


def maximum(signal: str | Expression, *, during: _Span = None) -> Objective:
    """Ask for the mean of the largest value of a signal over a span.

    Examples
    --------
    >>> print(maximum("tumour", during=(0, 504)))
    mean of the maximum of tumour from 0 to 504
    """
    return _over(MAXIMUM, as_signal(signal, condition=False), during)


def variance(of: str | Objective, *, at: float | None = None) -> Objective:
    """Ask for the variance over trajectories of a signal at one time, or of the number of a one-term objective.

    Examples
    --------
    >>> print(variance("tumour", at=504))
    variance of tumour at 504
    """
    return _summarised(of, at, VARIANCE)


def quantile(of: str | Objective, probability: float, *, at: float | None = None) -> Objective:
    """Ask for a quantile over trajectories of a signal at one time, or of the number of a one-term objective.

    Parameters
    ----------
    of : str or Objective
        A signal, or an objective of one term such as ``js.auc("tumour")``.
    probability : float
        Between 0 and 1.
    at : float, optional
        For a signal; the end of the simulation if not given.

    Returns
    -------
    Objective
        Its gradient divides by an estimated density; counts must be spread over many values.

    Examples
    --------
    >>> print(quantile("tumour", 0.9, at=504))
    quantile 0.9 of tumour at 504
    """
    return _summarised(of, at, Quantile(_share(probability)))


def cvar(of: str | Objective, share: float, *, at: float | None = None, upper: bool = True) -> Objective:
    """Ask for the conditional value at risk: the mean over the worst part of the trajectories.

    Over chance, and over virtual patients too where parameters are distributions, since every trajectory is then a
    patient of its own. The number is ``q + E[(F - q)+] / (1 - share)`` with q the quantile at `share`
    (Rockafellar & Uryasev, J. Risk 2 (2000) 21, theorem 1).

    Parameters
    ----------
    of : str or Objective
        A signal, or an objective of one term.
    share : float
        The part of the trajectories left out, such as 0.95 for the mean of the worst 5 %.
    at : float, optional
        For a signal; the end of the simulation if not given.
    upper : bool
        Whether large numbers are the bad ones.

    Returns
    -------
    Objective
        For score estimators, the surrogate, Langevin and differences.

    Examples
    --------
    >>> print(cvar("tumour", 0.95, at=504))
    mean of the upper 0.05 tail of tumour at 504
    """
    return _summarised(of, at, TailMean(_share(share), upper))


def _at(expression: Any, at: float | None) -> Objective:
    return Objective((Term(expression, AT, None, None if at is None else float(at)),))


def _over(functional: Functional, expression: Any, during: _Span) -> Objective:
    start, end = (None, None) if during is None else (float(during[0]), float(during[1]))
    return Objective((Term(expression, functional, start, end),))


def _share(value: float) -> float:
    if not 0 < value < 1:
        raise SimulationError(f"{value} is not between 0 and 1; give a probability such as 0.95")
    return float(value)


def _summarised(of: str | Objective, at: float | None, summary: Summary) -> Objective:
    if isinstance(of, str):
        of = mean(of, at=at)
    elif at is not None:
        raise SimulationError("at= belongs to the objective that is summarised; give it there")
    if len(of.terms) != 1 or of.terms[0].summary != MEAN or of.terms[0].weight != 1.0:
        raise SimulationError(f"only one plain term can be summarised, not '{of}'; summarise its terms apart")
    return Objective((replace(of.terms[0], summary=summary),))
