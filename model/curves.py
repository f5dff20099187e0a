"""The numbers of every curve, from one data file that the page's preview reads too."""

import json
from pathlib import Path
from typing import Any

CURVES: dict[str, Any] = json.loads((Path(__file__).parent / "tone.json").read_text())
"""`tone.json`: transfer function (IEC 61966-2-1), luma weights (Rec. 709), tone curve."""
