"""``js.estimate`` beside exact trajectories: cost for each error, coverage, levels, Sobol points."""
