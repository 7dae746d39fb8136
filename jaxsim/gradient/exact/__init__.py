"""Exact paths that gradients are taken along: proposals, scores, the critic, coupled pairs, tilted rates."""
