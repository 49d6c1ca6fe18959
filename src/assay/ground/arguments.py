"""What the tools' command lines have in common."""

import argparse
import math


def named(text: str) -> str:
    """Return a name, for argparse, which takes an empty one for one."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name names nothing; is a variable of a script's empty?")
    return text


def share(text: str) -> float:
    """Return a share of the whole, for argparse."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no share; choose one from 0 up to 1, as in 0.05 for 5 %")
    return value


def seconds(text: str) -> float:
    """Return a time, for argparse."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time; choose seconds above 0")
    return value
