"""Import paths of earlier versions, which go on working."""

import sys
from importlib import import_module


def keep_old_paths(package: str, moved: dict[str, str]) -> None:
    """Lets modules be imported from where they stood.

    Args:
        package: the package that is being imported, and in which they stood.
        moved: the name of each there, and the full name of the module that it is now.
    """
    for name, home in moved.items():
        sys.modules[f"{package}.{name}"] = import_module(home)
        setattr(sys.modules[package], name, sys.modules[home])
