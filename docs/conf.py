"""How the documentation is built: ``nox -s docs``."""

from xent_api import __version__

project = "xent_api"
author = "The xent_api developers"
copyright = f"2026, {author}"
release = __version__
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_external_toc",  # index.md then reads well on a Git host, too
    "sphinx-mathjax-offline",  # formulas need no network
]
external_toc_path = "_toc.yml"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"xent_api {release}"
nitpicky = True
nitpick_ignore = [("py:class", "contextlib.nullcontext")]  # a default, in a signature
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# Signatures without annotations: the docstrings say more, and in words.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
