"""Mice and patients under chemotherapy and IL-1 blockade: network, scenarios, studies, targets, figures, command."""
