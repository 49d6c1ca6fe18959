"""Find what can be chosen by name: each module in a package is one choice."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any


def names(package: ModuleType) -> list[str]:
    """Return the names of the modules in `package`, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def load(package: ModuleType, name: str, attribute: str) -> Any:
    """Return `attribute` of the module `name` in `package`."""
    return getattr(importlib.import_module(f"{package.__name__}.{name}"), attribute)
