"""`firstlight train`: the network, trained on one's own photos."""

from __future__ import annotations
