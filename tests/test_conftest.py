"""The environment that tests start in, seen from a pytest of its own."""

import os
import subprocess
import sys

import pytest

from helpers.launcher import places

CODE = """\
import os, types, conftest
config = types.SimpleNamespace(option=types.SimpleNamespace(markexpr={marker!r}))
conftest.pytest_configure(config)
print(os.environ["CUDA_VISIBLE_DEVICES"])
"""


@pytest.mark.parametrize(
    ("marker", "setting", "visible"),
    [("", None, ""), ("not ablation", None, ""), ("gpu", None, "3"), ("", "as it is", "3")],
    ids=["all tests", "course.py's selection", "GPU tests", "chosen already"],
)
def test_only_gpu_tests_see_gpus(marker, setting, visible):
    env = os.environ | {"CUDA_VISIBLE_DEVICES": "3", "BN_COURSE_SETTING": setting or ""}
    if setting is None:
        del env["BN_COURSE_SETTING"]
    answer = subprocess.run(
        [sys.executable, "-c", CODE.format(marker=marker)],
        cwd=places.ROOT,
        env=env,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.strip() == visible, answer.stderr
