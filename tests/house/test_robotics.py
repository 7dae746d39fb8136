"""The robotics package that owns the same import name is noticed, and the sentence says how to repair it."""

import os
import subprocess
import sys
from pathlib import Path

import jaxsim


def import_with(folder):
    """What importing jaxsim says with `folder` on the search path of a fresh interpreter."""
    path = os.pathsep.join([str(Path(jaxsim.__file__).parent.parent), str(folder)])
    code = "import jaxsim; print(jaxsim.__version__)"
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def install(folder, distribution, version):
    info = folder / f"{distribution}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")


def test_robotics_package_beside_ours_is_refused(tmp_path):
    install(tmp_path, "jaxsim", "0.9.0")
    result = import_with(tmp_path)
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: The robotics package 'jaxsim' 0.9.0 is installed beside 'jaxsim-bio'")
    assert "pip uninstall -y jaxsim && pip install --force-reinstall --no-deps jaxsim-bio" in last


def test_our_own_distribution_is_not_mistaken_for_it(tmp_path):
    install(tmp_path, "jaxsim_bio", jaxsim.__version__)
    result = import_with(tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == jaxsim.__version__
