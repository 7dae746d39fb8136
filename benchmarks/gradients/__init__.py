"""Gradients against closed forms and finite state spaces: bias, coverage, cost, checks, peers."""
