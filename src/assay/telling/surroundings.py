"""Say where it was measured: on what machine, which server, with how many threads.

A server that runs already, `triton.url`, computes where nobody looks: what is known of it is its address,
and with how many cores it was told to compute.
"""

from assay.ground.numerals import counted
from assay.ground.records.prepared import Machine
from assay.machine.cores import server_cores
from assay.params.measuring import Load
from assay.params.triton import BACKEND, Triton


def machine_in_words(machine: Machine, triton: Triton) -> str:
    """Return the machine and the packages, and whose they are where the server's are others."""
    packages = "".join(f", {package} {version}" for package, version in machine["packages"].items())
    own = (
        f"{machine['processor']}, {machine['usable_cores']} usable of "
        f"{counted(machine['logical_cores'], 'logical core')}, {machine['memory_gib']} GiB; "
        f"Linux {machine['kernel']}, Python {machine['python']}{packages}"
    )
    return f"The load generator's machine and packages: {own}" if triton.server == "url" else own


def cores_in_words(machine: Machine, triton: Triton) -> str:
    """Return how many cores a server that runs already was told to compute with, and who says so."""
    told, stated = server_cores(triton, 0, machine["usable_cores"]), triton.url.cores
    says = "triton.url.cores" if stated else "as many as the load generator's machine has, for triton.url.cores is null"
    return f"{counted(told, 'core')} ({says})"


def server_in_words(server: dict[str, str], machine: Machine, triton: Triton, load: Load) -> str:
    """Say which server was asked, what computes in it where that is known, and how it was asked."""
    computing, runtime = "", machine["server"].get("onnxruntime")
    if triton.server == "url":
        computing = (
            f" at http://{triton.url.http}, whose machine and ONNX Runtime are not known here, "
            f"told to compute with {cores_in_words(machine, triton)}"
        )
    elif runtime:
        computing = f" with ONNX Runtime {runtime}"
    protocol = {"grpc": "gRPC", "http": "HTTP"}[load.protocol]
    memory = ", tensors in shared memory" if load.shared_memory == "system" else ""
    cores = load.client_cores
    divided = f", by a load generator that has {counted(cores, 'core')} to itself" if cores else ""
    return f"Triton {server['version']}, {server['kind']}{computing}, asked over {protocol}{memory}{divided}"


def threads_in_words(machine: Machine, triton: Triton, backend: str, *, further: bool) -> str:
    """Say with how many threads an instance computes; nothing of a backend that is told no number.

    `further` numbers stand in names.
    """
    if backend != BACKEND:
        return ""
    said = "Each instance computes with as many threads as there are usable cores for it."
    if triton.server == "url":
        said = (
            f"Each instance is told to compute with its share of {cores_in_words(machine, triton)}; how many that "
            "server really has is not known here."
        )
    return f"{said} A number behind the batching, in a name, is another one of threads." if further else said
