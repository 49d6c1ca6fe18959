"""What the tools' command lines have in common."""

import argparse


def named(text: str) -> str:
    """Return a name, for argparse, which takes an empty one for one."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name names nothing; is a variable of a script's empty?")
    return text
