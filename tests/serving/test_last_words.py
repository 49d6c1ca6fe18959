"""What is said of a server that failed: which model, and why."""

import pytest

from assay.serving.last_words import error_lines

LOADING = 'I1128 09:27:41.013142 2916 model_lifecycle.cc:472] "loading: one:1"\n'
NOISE = (
    'W1128 09:27:41.006665 2916 pinned_memory_manager.cc:273] "Unable to allocate pinned system memory"\n'
    'E1128 09:27:41.006796 2916 server.cc:241] "CudaDriverHelper has not been initialized."\n'
)


@pytest.mark.parametrize("log", ["| Model | Version |\n+----+\n" * 30 + f"I1 {'x' * 900}\nStarted\n", ""])
def test_the_last_words_of_a_server_fit_a_screen(log: str) -> None:
    """Its tables of models are no reason, and its longest lines are cut."""
    said = error_lines(log)
    assert len(said) < 400
    assert said.endswith("Started" if log else "(it said nothing)")


def test_a_program_that_fails_is_told_without_pythons_own_frames() -> None:
    """Its backend gives them in one line; the owner's line stays."""
    frames = "models/m/1/model.py(3): <module>\\n  <frozen importlib._bootstrap>(241): _call_with_frames_removed\\n"
    reason = f"Internal: ModuleNotFoundError: No module named 'x'\\n\\nAt:\\n  {frames}"
    log = f"E1127 12:00:00 1 model.cc:1] \"failed to load 'm' version 1: {reason}\""
    said = "model 'm': Internal: ModuleNotFoundError: No module named 'x' (models/m/1/model.py(3): <module>)"
    assert error_lines(log) == said


def test_a_long_reason_keeps_its_end() -> None:
    """A runtime begins with where in its code it is, and ends with what is wrong."""
    reason = f"onnx runtime error 1: Load model failed: {'model.cc:256 onnxruntime::Model ' * 20}"
    log = f"E1128 09:28:10 3414 m.cc:642] \"failed to load 'm' version 1: {reason} Unsupported IR version: 99\"\n"
    said = error_lines(log)
    assert said.startswith("model 'm': onnx runtime error 1: Load model failed")
    assert said.endswith("Unsupported IR version: 99")
    assert len(said) <= 300


def test_a_folder_that_is_no_model_is_told_as_one_that_does_not_load() -> None:
    """What the server finds wrong with a configuration is said once, with the model's name."""
    log = (
        "E1128 09:28:44 1 m.cc:1460] \"Poll failed for model directory 'f': must specify 'data_type' for f\"\n"
        "error: creating server: Internal - failed to load all models \n"
    )
    assert error_lines(NOISE + log) == "model 'f': must specify 'data_type' for f"


def test_a_crash_while_models_are_loaded_names_those() -> None:
    """One that had been loaded before is not among them; what a library printed is."""
    loaded = "I1128 09:27:41.1 1 model_lifecycle.cc:839] \"successfully loaded 'two'\"\n"
    log = NOISE + LOADING + LOADING.replace("one", "two") + loaded
    assert error_lines(log + "bye from a library\n") == "it was loading one\n  bye from a library"


def test_frames_and_information_are_no_last_words() -> None:
    """A crash while it serves leaves a stack without names: the signal is what is told."""
    frames = "".join(f" {place}# 0x000055EE9B4D388E in /opt/tritonserver/bin/tritonserver\n" for place in range(20))
    assert error_lines(f"I1128 09:27:08.028668 1 server.cc:631] \n\nSignal (11) received.\n{frames}\n") == (
        "Signal (11) received."
    )
