"""Settings of the site: Sphinx with MyST notebooks and the furo theme; nothing is fetched from the network."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generate  # noqa: E402

import jaxsim  # noqa: E402

project = "jaxsim"
author = "The jaxsim authors"
copyright = f"2026, {author}"
release = version = jaxsim.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb", "sphinx_design", "sphinx_copybutton"]
exclude_patterns = ["_build", "README.md"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}

html_theme = "furo"
html_title = f"jaxsim {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"  # a page whose code has not changed is not run again
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
suppress_warnings = ["misc.highlighting_failure"]

autodoc_typehints = "none"  # numpydoc says types in the words of the field
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = ">>> "
copybutton_only_copy_prompt_lines = False


def setup(app):
    """Write the pages that are made from the program before Sphinx reads any page."""
    app.connect("builder-inited", lambda _: generate.write(HERE / "reference" / "generated"))
