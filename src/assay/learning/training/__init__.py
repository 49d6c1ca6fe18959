"""What model families share when they train."""
