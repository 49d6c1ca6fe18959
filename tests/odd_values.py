"""Seeded damage to what is not bytes: documents of JSON and YAML, and values that nobody expects in them."""

import copy
import json
import random
from typing import Any

# What a server, a person or a merge may put in a value's place.
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    5,
    0.1,
    -3.5,
    1e300,
    float("nan"),
    float("inf"),
    2**63,
    10**400,
    "",
    "0",
    "-1",
    "nan",
    "a word",
    "é\u0000\u202e",
    "x" * 5000,
    "../../etc/passwd",
    [],
    {},
    [[]],
    [None],
    {"": None},
]
STRANGE = ["\t", "{", "]", '"', "\x00", "\ufeff", ": ", "&a *a ", "!!python/name:os.system "]
CONFLICT = "<<<<<<< HEAD\n{0}=======\n{1}>>>>>>> another\n"


def places(document: Any) -> list[tuple[Any, Any]]:
    """Return every place of a document: a list or mapping, and the index or key in it."""
    found: list[tuple[Any, Any]] = []
    if isinstance(document, dict | list):
        items = document.items() if isinstance(document, dict) else enumerate(document)
        for key, value in list(items):
            found += [(document, key), *places(value)]
    return found


def deep(depth: int) -> Any:
    """Return lists in lists, so deep that a parser which calls itself may give up."""
    nested: Any = []
    for _ in range(depth):
        nested = [nested]
    return nested


def changed(document: Any, chance: random.Random) -> Any:
    """Return a copy of a document with one to three values replaced, removed, doubled or moved."""
    damaged = copy.deepcopy(document)
    for _ in range(chance.randint(1, 3)):
        known = places(damaged)
        if not known:
            return chance.choice(ODD)
        parent, key = chance.choice(known)
        match chance.randrange(6):
            case 0 | 1 | 2:
                parent[key] = copy.deepcopy(chance.choice(ODD))
            case 3:
                del parent[key]
            case 4:
                other, its_key = chance.choice(known)
                parent[key] = copy.deepcopy(other[its_key]) if its_key in other or isinstance(other, list) else None
            case _:
                value = parent[key]
                if isinstance(value, int | float) and not isinstance(value, bool):
                    parent[key] = value * chance.choice((-1, 0, 1000, 1e-9))
                else:
                    parent[key] = [value, value]
    return damaged


def damaged_text(text: str, chance: random.Random) -> str:
    """Return a text with a part lost, doubled, replaced, or with both sides of a merge in it."""
    lines = text.splitlines(keepends=True)
    first, last = sorted(chance.randrange(len(lines) + 1) for _ in range(2))
    at = chance.randrange(len(text) + 1)
    match chance.randrange(5):
        case 0:
            return text[:at] + chance.choice(STRANGE) + text[at:]
        case _:
            return "".join(lines[:last] + lines[first:])


def damaged_json(document: Any, chance: random.Random) -> str:
    """Return a document as damaged JSON: of other values, or no JSON any more."""
    if chance.random() < 0.02:
        return "[" * 100_000
    text = json.dumps(changed(document, chance) if chance.random() < 0.7 else document, indent=1)
    return damaged_text(text, chance) if chance.random() < 0.4 else text
