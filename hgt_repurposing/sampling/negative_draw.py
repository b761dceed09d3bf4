"""How corrupted targets may be drawn; free of torch, so that a run configuration can be checked without loading it."""

from typing import Literal

NegativeDraw = Literal["uniform", "degree"]
"""Every node of the type alike; or by its in-degree in the relation to the power 3/4, so that being linked often does
not tell a true target."""
