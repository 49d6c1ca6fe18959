"""What a few noisy rounds can tell: intervals, when to stop, and which differences are real."""
