"""The rooms of helpers: who stands higher imports what stands lower; nothing runs in circles."""

import ast
import functools
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
HELPERS = ROOT / "helpers"

# From the ground up. A room may import from floors below its own, and from rooms of its own floor
# as long as these do not import it in turn.
FLOORS = (
    {"", "launcher"},  # "" is helpers itself, with the version of the edition
    {"numpy_nn", "data", "plotting", "widgets", "contents", "files", "wrapping", "records"}
    | {"comparing", "cards", "kernel_trial"},
    {"torch_nn", "probes", "cost", "claims", "verdicts", "exercises"}
    | {"pool", "travels", "explanations", "elsewhere", "training_runs", "bench"},
    {"experiments", "authoring", "classroom"},
    {"record"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module):
    """`numpy_nn` for `helpers.numpy_nn.modules`, "" for `helpers`."""
    return [*module.split("."), ""][1]


def imported(tree):
    """The modules of helpers that a program imports, wherever it does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # `from helpers import data` imports helpers.data; `from helpers import __version__`
            # and `from helpers.data import load` import what the name before `import` says.
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [n if exists(n) else node.module for n in inner]
        else:
            continue
        yield from (name for name in names if name and name.split(".")[0] == "helpers")


def exists(module):
    path = ROOT.joinpath(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@functools.cache
def arrows():
    """{room: {room that it imports: the first file that does}}, arrows within a room left out."""
    found = {}
    for path in sorted(HELPERS.rglob("*.py")):
        place = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        room = room_of(place.removesuffix(".__init__"))
        for module in imported(ast.parse(path.read_text(encoding="utf-8"))):
            if room_of(module) != room:
                found.setdefault(room, {}).setdefault(room_of(module), path.name)
    return found


def test_every_room_has_a_floor():
    rooms = {path.stem for path in HELPERS.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"__init__", "__pycache__", "claims"} <= set(FLOOR)


@pytest.mark.parametrize("room", sorted(FLOOR))
def test_no_room_imports_from_a_floor_above(room):
    for other, file in arrows().get(room, {}).items():
        assert FLOOR[other] <= FLOOR[room], f"{file} of {room} imports {other}"


def test_no_circles():
    graph = {room: set(others) for room, others in arrows().items()}
    while graph:
        leaves = {room for room, others in graph.items() if not others & set(graph)}
        assert leaves, f"these import each other in a circle: {', '.join(sorted(graph))}"
        graph = {room: others for room, others in graph.items() if room not in leaves}


@pytest.mark.parametrize("folder", ["numpy_nn", "data", "exercises/engine", "launcher"])
def test_what_works_without_pytorch_never_imports_it(folder):
    place = HELPERS / folder
    for path in place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]:
        text = path.read_text(encoding="utf-8")
        assert "import torch" not in text, path
        assert "from torch" not in text, path


def test_the_launcher_needs_nothing_that_has_to_be_installed():
    for path in [ROOT / "course.py", *(HELPERS / "launcher").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            else:
                continue
            for name in names:
                top = name.split(".")[0]
                assert top == "helpers" or top in sys.stdlib_module_names, f"{path.name}: {name}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_notebooks_import_from_the_lower_floors(path):
    notebook = nbformat.read(path, as_version=4)
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    plain = "\n".join(line for line in code.splitlines() if not line.startswith("%"))
    for module in imported(ast.parse(plain)):
        assert FLOOR[room_of(module)] <= 2, f"imports {module}: read its record instead"
