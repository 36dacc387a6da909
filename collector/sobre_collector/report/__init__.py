"""What the annual report says, in French and English."""
