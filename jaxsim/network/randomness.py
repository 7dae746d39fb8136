"""Random functions that effects and events may call: a new one is a line here and a sampler in ``jaxsim.random``.

Each takes its parameters, and optionally two more: the lowest and highest value of a truncated law.
"""

from jaxsim.network.tree import Expression, fold

# Parameters of each law, in order.
RANDOM: dict[str, tuple[str, ...]] = {
    "binomial": ("trials", "probability"),
    "random_normal": ("mean", "standard deviation"),
    "random_uniform": ("lowest", "highest"),
    "random_exponential": ("rate",),
    "random_gamma": ("shape", "scale"),
    "random_poisson": ("mean",),
    "random_lognormal": ("mean of the logarithm", "standard deviation of the logarithm"),
    "random_cauchy": ("location", "scale"),
    "random_laplace": ("location", "scale"),
    "random_rayleigh": ("scale",),
    "random_bernoulli": ("probability",),
}

TRUNCATED = 2  # arguments more than parameters


def is_random(expression: Expression) -> bool:
    """Return whether the expression draws random numbers.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> is_random(parse("1 + random_normal(0, s)")), is_random(parse("1 + s"))
    (True, False)
    """

    def visit(node: Expression, below: list[bool]) -> bool:
        return any(below) or getattr(node, "function", None) in RANDOM

    return fold(expression, visit)
