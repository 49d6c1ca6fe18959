"""From raw rounds to ratios, intervals and words."""
