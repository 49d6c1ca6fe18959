"""What a cell is of a model that its owner configured: that configuration, with the matrix's axes written over it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from assay.ground.paths import FIRST_ANSWERS
from assay.params.triton import BACKEND
from assay.repositories.matrix import ServedCell
from assay.repositories.opening import Configured, RepositoryModel
from assay.serving.model_config import THREADS
from assay.serving.model_folder import REFERENCE, STEPS, Part, write_folder


def configured(owners: Configured, served: ServedCell) -> ModelConfig:
    """Return a configuration with a cell's instances, maximum batch, batching, threads and option.

    Raises StageError if the option cannot be set.
    """
    cell, config = served.cell, ModelConfig()
    config.CopyFrom(owners.config)
    config.max_batch_size = cell.max_batch_size
    kinds = {group.kind for group in config.instance_group} - {ModelInstanceGroup.KIND_AUTO}
    (*gpus,) = (gpu for group in config.instance_group for gpu in group.gpus)
    del config.instance_group[:]
    kind = kinds.pop() if len(kinds) == 1 else ModelInstanceGroup.KIND_CPU
    config.instance_group.add(kind=kind, count=cell.instances, gpus=gpus)
    if cell.batching is None:
        config.ClearField("dynamic_batching")
    else:
        del config.dynamic_batching.preferred_batch_size[:]
        config.dynamic_batching.max_queue_delay_microseconds = cell.batching.delay_us
        config.dynamic_batching.preferred_batch_size.extend(cell.batching.preferred or (cell.max_batch_size,))
    if owners.backend == BACKEND:
        for parameter in (THREADS, "inter_op_thread_count"):
            if parameter in config.parameters:
                del config.parameters[parameter]
        if served.threads is not None:
            config.parameters[THREADS].string_value = str(served.threads)
            config.parameters["inter_op_thread_count"].string_value = "1"
    served.set_option(config)
    return config


def write_matrix(
    repository: Path,
    later: Path,
    opened: RepositoryModel,
    computing: Configured,
    cells: Mapping[str, ServedCell | None],
    *,
    first_answers: Path,
) -> None:
    """Write a folder for each cell, by its name, None being the owner's own configuration, under its own name, too.

    Instances, batches, threads and options are those of the computing model. Beside what is called as the owner's
    model stand its first answers: a server may have another one of that name.
    """
    folders = _Folders(opened, computing)
    for name, cell in cells.items():
        folders.write(repository / name, later / name, None if cell is None else configured(computing, cell))
        if cell is None:
            shutil.copyfile(first_answers, repository / name / REFERENCE / FIRST_ANSWERS)


@dataclass(frozen=True)
class _Folders:
    """What the folders of a model's cells are written from."""

    opened: RepositoryModel
    computing: Configured

    @cached_property
    def parts(self) -> dict[str, dict[str, Part]]:
        """The files of every model, with their digests, by model and place."""
        return {each.name: {place: Part.at(path) for place, path in each.files().items()} for each in self.opened.every}

    def write(self, folder: Path, later: Path, changed: ModelConfig | None) -> None:
        """Write a cell's folder, with that of every step, and of what its answers are compared with.

        It is served under the name of the folder, which will stand at `later`. `changed` is the configuration of the
        computing model; None leaves all configurations, and names, as they are.
        """
        configs, steps = {each.name: each.config for each in self.opened.every}, self.opened.steps
        if changed is not None:
            configs[self.computing.name] = changed
        model_name = self.opened.name if changed is None else later.name
        step_names = {step.name: step.name if changed is None else f"{later.name}-{step.name}" for step in steps}
        for step, name in step_names.items():
            place = Path(STEPS, name)
            write_folder(folder / place, _called(name, configs[step]), self.parts[step], later / place)
        model = self.opened.name
        config = _called(model_name, configs[model])
        for each in config.ensemble_scheduling.step:
            each.model_name, each.model_version = step_names[each.model_name], -1
        if changed is not None and steps and config.max_batch_size:  # it takes no batch that a step does not
            config.max_batch_size = min(each.max_batch_size for each in configs.values())
        write_folder(folder, config, self.parts[model], later, step_names.get(self.computing.name))
        for owners in self.opened.every:
            place = Path(REFERENCE, owners.name)
            write_folder(folder / place, owners.config, self.parts[owners.name], later / place)


def _called(name: str, config: ModelConfig) -> ModelConfig:
    found = ModelConfig()
    found.CopyFrom(config)
    found.name = name
    return found
