"""What decides a measured number: rounds of windows, their order, their journal."""
