"""The version, where the build reads it too, so that a vendored copy needs no metadata."""

__version__ = "0.1.0"
