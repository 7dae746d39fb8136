"""A mouse or a patient under chemotherapy and IL-1 blockade: network, scenarios, studies, targets, figures, command."""
