"""How much this machine itself draws: its sensors, and a model where there are none."""
