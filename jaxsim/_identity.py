"""Refuse the unrelated robotics package on the package index that owns the same import name."""

from importlib import metadata


def refuse_robotics_package() -> None:
    """Raise if the distribution `jaxsim` is installed beside ours: the two overwrite each other's files.

    Raises
    ------
    ImportError
        With the command that removes the other one and restores the files it has overwritten.

    Examples
    --------
    >>> refuse_robotics_package()
    """
    try:
        version = metadata.version("jaxsim")
    except metadata.PackageNotFoundError:
        return
    raise ImportError(
        f"The robotics package 'jaxsim' {version} is installed beside 'jaxsim-bio' and owns the same import name; "
        "keep one of them in an environment, for this one: "
        "pip uninstall -y jaxsim && pip install --force-reinstall --no-deps jaxsim-bio"
    )
