"""How far the estimates for PCs are off, on real tables that others have measured or declared."""
