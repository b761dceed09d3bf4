"""Which code made an asset, as far as Dagster can tell: another version marks the asset stale in its UI.

The version of the package and that of its artefacts' format, so that every release marks everything. Edits between two
releases change neither: whoever edits a checkout makes again what the edit concerns. Only marks hang on this: what does
not belong together is refused by digests (`storage/catalog.py`), whatever made it.
"""

import importlib.metadata

from hgt_repurposing.storage.artifacts import FORMAT_VERSION, PACKAGE

CODE_VERSION = f"{PACKAGE} {importlib.metadata.version(PACKAGE)}, artefact format {FORMAT_VERSION}"
