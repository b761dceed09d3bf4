"""The assets' code version: Dagster's UI marks assets of another version as stale.

It consists of the versions of the package and of the artefact format, so every release marks all assets. Edits between
releases do not change it: after editing a checkout, materialise the affected assets again. It only affects these marks;
artefacts that do not belong together are refused by digest (`storage/catalog.py`), whatever code made them.
"""

import importlib.metadata

from hgt_repurposing.storage.manifest import FORMAT_VERSION, PACKAGE

CODE_VERSION = f"{PACKAGE} {importlib.metadata.version(PACKAGE)}, artefact format {FORMAT_VERSION}"
