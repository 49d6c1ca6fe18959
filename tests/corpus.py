"""What once made the product fail, kept in tests/corpus/<kind>/ and tried again before anything new."""

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


def known(kind: str, pattern: str = "*") -> list[Path]:
    """Return the files that were kept of a kind."""
    return sorted(path for path in (FOLDER / kind).glob(pattern) if path.is_file())


def keep(kind: str, name: str, content: bytes) -> Path:
    """Keep what made the product fail, to be committed with what mends it: <digest>.<name>."""
    path = FOLDER / kind / f"{hashlib.sha256(content).hexdigest()[:8]}.{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
