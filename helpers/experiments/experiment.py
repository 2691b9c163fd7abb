"""What an experiment is: a function, and the settings it is run with."""

import json
from collections.abc import Callable
from dataclasses import dataclass


def as_json(content: dict) -> bytes:
    """Return a JSON file with these results."""
    return (json.dumps(content, indent=1) + "\n").encode()


@dataclass(frozen=True)
class Experiment:
    """A function to be run once per setting; results must be made of plain numbers and lists.

    An experiment with settings for a CPU and for a smoke test knows devices: its function also
    takes `device`, "cpu" or "cuda", `settings` are those of a GPU, and `data_source` takes a size.
    `pack` turns results into the bytes of the file `file_name`; an experiment with `unpack`, which
    turns them back, can be extended: what its file holds is not run again.
    """

    name: str
    run: Callable[..., dict]
    settings: list[dict]
    data_source: Callable[..., str]
    cpu_settings: list[dict] | None = None
    smoke_settings: list[dict] | None = None
    suffix: str = ".json"
    pack: Callable[[dict], bytes] = as_json
    unpack: Callable[[bytes], dict] | None = None

    @property
    def file_name(self) -> str:
        """The file that holds its results."""
        return self.name + self.suffix

    @property
    def knows_devices(self) -> bool:
        return self.cpu_settings is not None

    @property
    def sizes(self) -> dict[str, list[dict]]:
        """The settings by size, from the largest to the smallest: "full", "cpu", "smoke"."""
        sizes = {"full": self.settings, "cpu": self.cpu_settings, "smoke": self.smoke_settings}
        return {size: settings for size, settings in sizes.items() if settings is not None}

    def size_for(self, device: str) -> str:
        """The size that is meant for a device."""
        return "cpu" if device == "cpu" and self.knows_devices else "full"
