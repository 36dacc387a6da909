"""What agent and collector share: samples, loads, the wire, and one module per way of measuring."""
