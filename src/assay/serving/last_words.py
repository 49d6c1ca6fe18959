"""What a server that failed said was wrong: its log, made as short as what it says of models lets it be."""

import re

from assay.ground.quoting import cut_within, first

_SUMMARY = "error: creating server: "
# What is said of a model that does not load, or whose folder is none: its name and the reason.
_OF_MODELS = (
    re.compile(r"failed to load (?P<model>'.*?') version \d+: (?P<reason>.*?)\"?$"),
    re.compile(r"Poll failed for model directory (?P<model>'.*?'): (?P<reason>.*?)\"?$"),
)
_LOADING, _LOADED = re.compile(r'"loading: (.+):\d+"$'), re.compile(r"successfully loaded '(.+)'\"?$")
_HARMLESS = ("CudaDriverHelper has not been initialized",)
# Lines that give no reason: of information, of a table, of a stack's frames, and empty ones.
_NO_REASON = re.compile(r"[IW]\d{4} [\d:.]+ |\+-|\| |\s*\d+# |\s*$")
# The frames of a program in Python follow its reason in one line.
_FRAMES = "\\n\\nAt:\\n"
# Of a server that names no error: lines; and characters of any line.
_LAST, _LONGEST_LINE = 8, 300


def error_lines(log: str) -> str:
    """Return what a server that failed said was wrong: of models that do not load, each one's reason.

    Where it gave none, what it was loading, and its last words.
    """
    lines = log.splitlines()
    errors = [line for line in lines if line.startswith(("E1", "E0", _SUMMARY))]
    told = [line for line in errors if not any(text in line for text in _HARMLESS)]
    refused = [
        f"model {found['model']}: {_without_frames(found['reason'])}"
        for line in told
        for pattern in _OF_MODELS
        if (found := pattern.search(line))
    ]
    words = refused or told or [line for line in lines if not _is_harmless(line)][-_LAST:] or ["(it said nothing)"]
    loading = [] if refused else _still_loading(lines)
    return "\n  ".join(cut_within(line, _LONGEST_LINE) for line in [*loading, *words])


def _is_harmless(line: str) -> bool:
    return bool(_NO_REASON.match(line)) or any(text in line for text in _HARMLESS)


def _still_loading(lines: list[str]) -> list[str]:
    """Return a line that names the models that a server had begun to load, and not loaded; none if there are none."""
    begun = {found[1]: None for line in lines if (found := _LOADING.search(line))}
    loaded = {found[1] for line in lines if (found := _LOADED.search(line))}
    left = [model for model in begun if model not in loaded]
    return [f"it was loading {', '.join(first(left))}"] if left else []


def _without_frames(reason: str) -> str:
    """Return why a program in Python failed without the frames of Python itself, which its backend adds in one line."""
    said, _, frames = reason.partition(_FRAMES)
    own = [frame.strip() for frame in frames.split("\\n") if frame.strip() and "<frozen" not in frame]
    return f"{said} ({', '.join(own)})" if own else said
