"""One tumour cell under chemotherapy and a caspase-1 inhibitor: network, study, figures and command."""
