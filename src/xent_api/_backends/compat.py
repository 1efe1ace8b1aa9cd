"""array-api-compat: a copy that is vendored beside this package, else the one that is installed.

The one place that imports it. The hook is that of array-api-extra: a project that vendors both puts
a module ``_array_api_compat_vendor`` beside this package, which imports the names from its own
copy.
"""

try:
    from ..._array_api_compat_vendor import (  # type: ignore[import-not-found,unused-ignore]
        array_namespace,
        is_array_api_obj,
    )
except ImportError as error:
    # Only where there is no such module: an error within it is the project's to know.
    absent = isinstance(error, ModuleNotFoundError) and str(error.name).endswith("_compat_vendor")
    if error.name is not None and not absent:
        raise
    from array_api_compat import array_namespace, is_array_api_obj

__all__ = ["array_namespace", "is_array_api_obj"]
