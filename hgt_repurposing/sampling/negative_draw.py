"""How corrupted targets may be drawn; does not import torch, so run configurations can be checked without it."""

from typing import Literal

NegativeDraw = Literal["uniform", "degree"]
"""Uniformly over the nodes of the type; or by in-degree in the relation to the power 3/4, so that a high degree does
not give away a true target."""
