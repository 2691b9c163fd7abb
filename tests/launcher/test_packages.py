"""helpers.launcher.packages: which Pythons, which packages, and where PyTorch comes from."""

import ast
import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from helpers.launcher import packages, places
from helpers.launcher.downloads import pip_settings

# Every release of the supported minor versions there may be, and their neighbours.
RELEASES = [(3, minor, patch) for minor in range(7, 17) for patch in range(31)]


def written(version):
    return ".".join(map(str, version))


# ---------------------------------------------------------------------- Python


def test_specifiers_mean_what_they_mean_to_pip():
    declared = {python for _, _, _, python in packages.pins()}
    further = {"==3.12.*", "~=3.11", "~=3.11.2", ">3.11", "<=3.12", "==3.13.1", "!=3.13.*", ""}
    for specifiers in sorted(declared | further):
        pip = SpecifierSet(specifiers)
        for version in RELEASES:
            ours = packages.allows(specifiers, version)
            assert ours == pip.contains(written(version)), f"{specifiers} and {version}"


def test_what_is_no_specifier_is_refused():
    with pytest.raises(ValueError, match=r"'3\.11' is no version specifier"):
        packages.allows("3.11", (3, 11, 0))


def test_every_pin_allows_every_python_that_pyproject_promises():
    promised = SpecifierSet(packages.supported_pythons())
    pins = [(name, SpecifierSet(python)) for name, _, _, python in packages.pins()]
    for version in RELEASES:
        if (3, 11) <= version < (3, 15):
            excluding = [name for name, python in pins if not python.contains(written(version))]
            allowed = promised.contains(written(version))
            assert allowed == (not excluding), f"{written(version)}: {excluding}"


def test_the_excluded_release_is_the_only_one():
    promised = SpecifierSet(packages.supported_pythons())
    inside = [v for v in RELEASES if (3, 11) <= v < (3, 15)]
    assert [v for v in inside if not promised.contains(written(v))] == [(3, 14, 1)]


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 11, 2), (3, 12, 0), (3, 13, 5), (3, 14, 10)])
def test_supported_pythons_need_no_sentence(version):
    assert packages.why_not_this_python(version) is None


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 14), (3, 15, 0), (4, 0, 0)])
def test_a_python_outside_of_the_range_is_told_the_range(version):
    told = packages.why_not_this_python(version)
    assert "Python 3.11 to 3.14" in told
    assert f"not on Python {written(version)}:" in told
    assert "\n" not in told


def test_a_release_that_a_package_excludes_is_told_which():
    told = packages.why_not_this_python((3, 14, 1))
    assert told.startswith("networkx 3.6.1, which the course needs, excludes Python 3.14.1")


def test_this_python_is_supported():
    # Otherwise whoever reads this test result would trust a machine that learners cannot have.
    assert packages.why_not_this_python(sys.version_info[:3]) is None


def test_the_range_can_be_told_by_an_older_python():
    source = Path(packages.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))


# -------------------------------------------------------------------- packages


def names(stage):
    return [canonicalize_name(Requirement(line).name) for line in packages.requirements(stage)]


def test_what_is_asked_for_is_what_is_pinned():
    pinned = {canonicalize_name(name): version for name, version, *_ in packages.pins()}
    for line in packages.requirements("proofs"):
        requirement = Requirement(line)
        assert str(requirement.specifier) == f"=={pinned[canonicalize_name(requirement.name)]}"


def test_constraints_hold_nothing_but_pins():
    lines = (places.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    assert len(packages.pins()) == len(lines) > 140
    assert all("  # Python " in line or line.endswith("  # any Python") for line in lines)


def test_the_lock_repeats_what_the_packages_declare():
    declared = {(canonicalize_name(n), v): SpecifierSet(p) for n, v, _, p in packages.pins()}
    seen = 0
    for package in importlib.metadata.distributions():
        key = canonicalize_name(package.metadata["Name"]), package.version
        if key in declared:
            seen += 1
            assert SpecifierSet(package.metadata.get("Requires-Python", "")) == declared[key], key
    assert seen > 90


@pytest.mark.parametrize(
    ("system", "needs", "not_needed"),
    [
        ("win32", {"pywinpty", "colorama"}, {"appnope", "pexpect", "ptyprocess", "triton"}),
        ("darwin", {"appnope", "pexpect"}, {"pywinpty", "colorama", "triton"}),
        ("linux", {"pexpect", "triton"}, {"pywinpty", "colorama", "appnope"}),
    ],
)
def test_other_systems_have_their_pins(system, needs, not_needed):
    here = {"sys_platform": system, "os_name": "nt" if system == "win32" else "posix"}
    pinned = {
        name
        for name, _, marker, _ in packages.pins()
        if not marker or Marker(marker).evaluate({**here, "platform_machine": "x86_64"})
    }
    assert needs <= pinned
    assert not not_needed & pinned


def test_learners_install_neither_browser_nor_linters():
    lessons, teachers, proofs = map(names, packages.STAGES)
    assert {"numpy", "torch", "jupyterlab", "nbval", "pytest", "pytest-xdist"} <= set(lessons)
    assert teachers == [*lessons, "jinja2", "latex2mathml", "mistune", "nbclient"]
    assert proofs == [*teachers, "hypothesis", "playwright", "ruff", "codespell"]


def test_no_package_is_asked_for_twice():
    asked = names("proofs")
    assert len(asked) == len(set(asked))


def test_every_further_package_has_its_reason():
    for stage in ("teachers", "proofs"):
        text = (places.ROOT / packages.STAGES[stage]).read_text(encoding="utf-8")
        asked = [line for line in text.splitlines() if "==" in line]
        assert asked
        for line in asked:
            assert line.partition("  # ")[2], line


@pytest.mark.parametrize("stage", packages.STAGES)
def test_a_stage_is_asked_for_at_the_pinned_versions(stage):
    constraints = str(places.ROOT / "constraints.txt")
    asked = packages.requirements(stage)
    assert packages.pip_arguments(stage) == ["--constraint", constraints, *asked]


def test_an_unknown_stage_is_refused():
    with pytest.raises(ValueError, match="'lunch'"):
        packages.stages("lunch")


def test_the_course_itself_is_asked_for_by_pip_alone():
    lines = (places.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert "-e ." in lines
    assert not any(line.startswith("-") for line in packages.requirements("proofs"))


# --------------------------------------------------------------------- PyTorch


@pytest.fixture
def on(monkeypatch):
    """Pretend to be another system."""

    def pretend(system, machine):
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(platform, "machine", lambda: machine)

    return pretend


@pytest.mark.parametrize(
    ("system", "machine", "has_pytorch"),
    [
        ("linux", "x86_64", True),
        ("linux", "aarch64", True),
        ("win32", "AMD64", True),
        ("win32", "ARM64", False),
        ("darwin", "arm64", True),
        ("darwin", "x86_64", False),
    ],
)
def test_where_pytorch_is_not_made_it_is_neither_asked_for_nor_passed_over(
    on, system, machine, has_pytorch
):
    on(system, machine)
    marker = Requirement(packages.pytorch_requirement()).marker
    assert marker.evaluate({"sys_platform": system, "platform_machine": machine}) == has_pytorch
    told = packages.why_no_pytorch()
    assert (told is None) == has_pytorch
    if told:
        assert "Parts I and II" in told
        assert packages.index_arguments({}) == ([], "")


@pytest.fixture
def no_settings(monkeypatch, on):
    """A Linux without an NVIDIA driver, where pip has no settings at all."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "BN_COURSE_TORCH"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    on("linux", "x86_64")
    monkeypatch.setattr(packages, "NVIDIA_DRIVER", ())
    monkeypatch.setattr(shutil, "which", lambda _: None)


CPU = ["--index-url", packages.CPU_INDEX]


def test_without_a_driver_the_small_build_is_taken_with_a_sentence(no_settings):
    arguments, told = packages.index_arguments({})
    assert arguments == CPU
    assert "no NVIDIA driver" in told
    assert "BN_COURSE_TORCH=default" in told


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_the_index_has_the_small_build(no_settings, on, system):
    on(system, "arm64" if system == "darwin" else "AMD64")
    assert packages.index_arguments({}) == ([], "")


@pytest.mark.parametrize("sign", ["tool", "file"])
def test_with_a_driver_pip_chooses(no_settings, monkeypatch, tmp_path, sign):
    if sign == "tool":
        monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    else:
        monkeypatch.setattr(packages, "NVIDIA_DRIVER", (str(tmp_path / "none"), str(tmp_path)))
    assert packages.index_arguments({}) == ([], "")


@pytest.mark.parametrize(
    ("name", "value", "decides"),
    [
        ("PIP_INDEX_URL", "https://mirror.example/simple", True),
        ("PIP_EXTRA_INDEX_URL", "https://mirror.example/simple", True),
        ("PIP_FIND_LINKS", "/wheels", True),
        ("PIP_NO_INDEX", "1", True),
        ("PIP_INDEX_URL", "", False),
        ("PIP_TIMEOUT", "30", False),
    ],
)
def test_variables_of_pip_that_name_a_source_decide(no_settings, monkeypatch, name, value, decides):
    monkeypatch.setenv(name, value)
    assert packages.index_arguments(pip_settings(sys.executable))[0] == ([] if decides else CPU)


@pytest.mark.parametrize(
    ("text", "decides"),
    [
        ("[global]\nindex-url = https://mirror.example/simple\n", True),
        ("[install]\nextra-index-url =\n    https://a.example\n    https://b.example\n", True),
        ("[global]\nfind-links = /wheels\n", True),
        ("[global]\ntimeout = 60\n", False),
    ],
)
def test_files_of_pip_that_name_a_source_decide(no_settings, monkeypatch, tmp_path, text, decides):
    (tmp_path / "pip.conf").write_text(text)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert packages.index_arguments(pip_settings(sys.executable))[0] == ([] if decides else CPU)


@pytest.mark.parametrize(
    ("chosen", "arguments"),
    [
        ("cpu", CPU),
        ("default", []),
        ("https://mirror.example/cu130", ["--index-url", "https://mirror.example/cu130"]),
    ],
)
def test_the_user_decides_before_all_else(no_settings, monkeypatch, chosen, arguments):
    monkeypatch.setattr(packages, "NVIDIA_DRIVER", ("/",))
    monkeypatch.setenv("BN_COURSE_TORCH", chosen)
    settings = {"index-url": "https://mirror.example/simple"}
    found, told = packages.index_arguments(settings)
    assert found == arguments
    assert bool(told) == bool(arguments)
