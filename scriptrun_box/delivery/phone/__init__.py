"""The driver's phone: which ones there are, the shift they show, and what they tell."""
