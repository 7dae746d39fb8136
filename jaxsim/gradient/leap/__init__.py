"""The leap chain that gradients pass through: its steps, channels, noise, scores along it, and control variates."""
