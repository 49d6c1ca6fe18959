"""What the gate exits with where it gives no answer, from its first import on: Python's own 1 would be one."""

from assay.ground.stage import failures_end_with

ERROR_CODE = 3
failures_end_with(ERROR_CODE)
