"""Why configurations could not be measured, in words."""

from collections import defaultdict
from collections.abc import Mapping

from assay.ground.numerals import counted

# What a sentence names: the report's table has them all.
_MOST_NAMES = 3


def failed_in_words(reasons: Mapping[str, str]) -> list[str]:
    """Say which configurations could not be measured, once for each reason but for their names."""
    alike = defaultdict[str, list[str]](list)
    for name, why in reasons.items():
        alike[why.replace(name, "")].append(name)
    said = []
    for names in alike.values():
        more = [f"{len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []
        which = ", ".join([*(f"`{name}`" for name in names[:_MOST_NAMES]), *more])
        said.append(f"{counted(len(names), 'configuration')} could not be measured: {which} ({reasons[names[0]]}).")
    return said
