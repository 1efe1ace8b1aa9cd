"""How the documentation is built: ``nox -s docs``."""

from xent_api import __version__

project = "xent_api"
author = "The xent_api developers"
copyright = f"2026, {author}"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
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
