"""The one environment: what is pinned is installed, and the parts get along."""

import re
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run

LOCKS = ("requirements.txt", "requirements-s3.txt")


def requirement_lines(path: Path) -> list[str]:
    lines = [line.partition("#")[0].strip(" \\") for line in path.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith(("--hash=", "-r "))]


def test_everything_is_pinned_exactly() -> None:
    """No requirement, direct or indirect, is left to the day of installation."""
    for name in ("requirements.in", *LOCKS):
        assert all("==" in line for line in requirement_lines(ROOT / name))


def test_every_file_to_be_installed_is_known_by_its_hash() -> None:
    """Another file under a known name is refused by pip."""
    for name in LOCKS:
        pinned = re.split(r"^(?=\S+==)", (ROOT / name).read_text(), flags=re.MULTILINE)[1:]
        assert [each.partition(" ")[0] for each in pinned if "--hash=sha256:" not in each] == []


def test_an_extra_part_only_adds() -> None:
    """What the environment has stays as it is: all parts were resolved together."""
    core, *extras = (set(requirement_lines(ROOT / name)) for name in LOCKS)
    assert extras
    assert all(core < extra for extra in extras)


def test_the_compiled_pins_follow_the_chosen_ones() -> None:
    """requirements.txt was compiled from this requirements.in."""

    def normal(line: str) -> str:
        name, version = line.split("==")
        return f"{name.partition('[')[0].lower().replace('_', '-').replace('.', '-')}=={version}"

    compiled = {normal(line) for line in requirement_lines(ROOT / "requirements.txt")}
    assert {normal(line) for line in requirement_lines(ROOT / "requirements.in")} <= compiled


@pytest.mark.slow
def test_installed_packages_agree() -> None:
    """`pip check` finds no conflict."""
    assert "No broken requirements" in run(sys.executable, "-m", "pip", "check", cwd=ROOT).stdout


@pytest.mark.slow
def test_tensorflow_and_google_drives_signing_work_together(tmp_path: Path) -> None:
    """In one process, TensorFlow imports and a service-account key signs as Google Drive asks.

    The key is made here and thrown away. The version of pyOpenSSL decides both.
    """
    script = tmp_path / "sign.py"
    script.write_text("""
import tensorflow
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from oauth2client.service_account import ServiceAccountCredentials
from pydrive2.auth import GoogleAuth

key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
pem = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
credentials = ServiceAccountCredentials.from_json_keyfile_dict({
    "type": "service_account", "client_email": "nobody@example.invalid", "client_id": "1",
    "private_key_id": "1", "private_key": pem,
})
name, signature = credentials.sign_blob(b"message")
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
key.public_key().verify(signature, b"message", padding.PKCS1v15(), hashes.SHA256())
print("signed", bool(GoogleAuth), tensorflow.__version__)
""")
    assert "signed True 2.19" in run(sys.executable, str(script), cwd=tmp_path).stdout
