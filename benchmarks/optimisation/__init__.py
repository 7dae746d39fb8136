"""``js.optimise`` beside searches without gradients: optima, gains, null agents."""
