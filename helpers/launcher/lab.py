"""JupyterLab on the learner's own copies."""

import os

from helpers.launcher import places
from helpers.launcher.environment import environment, run
from helpers.launcher.installation import set_up
from helpers.launcher.notebooks import notebook_paths, refuse_incomplete_clone
from helpers.launcher.workspace import copy_notebooks


def lab_command(workspace, arguments):
    """What starts JupyterLab on the learner's folder."""
    names = [path.name for path in notebook_paths()]
    first = "00_start_here.ipynb" if "00_start_here.ipynb" in names else names[0]
    command = [places.venv_python(), "-m", "jupyterlab", f"--ServerApp.root_dir={workspace}"]
    command.append(f"--LabApp.default_url=/lab/tree/{first}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # a container; JupyterLab's token still guards it
    return [*command, *arguments]


def lab_variables():
    """What JupyterLab starts with, and what its kernels inherit."""
    scripts = os.pathsep.join([str(places.scripts()), os.environ.get("PATH", "")])
    return environment(proof=False) | {"PATH": scripts}


def lab(arguments, *, with_outputs):
    """Open JupyterLab on the learner's own copies of the notebooks."""
    refuse_incomplete_clone()
    set_up()
    print("Looking after your copies of the notebooks, in workspace/ ...", flush=True)
    for message in copy_notebooks(places.WORKSPACE, with_outputs=with_outputs):
        print(message)
    print("Starting JupyterLab; Ctrl-C in this terminal ends it.", flush=True)
    return run(lab_command(places.WORKSPACE, arguments), lab_variables())
