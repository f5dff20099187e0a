"""Service Quotas of the stand-in: what the weather allows of each market and flavour, and plenty of the rest."""

from __future__ import annotations

import json
from typing import Any

from fleet.stand_in.weather import Weather

TARGET = "ServiceQuotasV20190624.GetServiceQuota"
PLENTY = 512
NAMES = {
    "L-3819A6DF": "spot/gpu",
    "L-34B43A08": "spot/cpu",
    "L-DB2E81BA": "on-demand/gpu",
    "L-1216C47A": "on-demand/cpu",
}


def answer(asked: dict[str, Any], weather: Weather) -> tuple[int, str]:
    """HTTP status and body for GetServiceQuota."""
    code = str(asked.get("QuotaCode"))
    if code not in NAMES or asked.get("ServiceCode") != "ec2":
        return 400, json.dumps({"__type": "NoSuchResourceException", "Message": f"There is no quota {code}"})
    value = float(weather.quotas.get(NAMES[code], PLENTY))
    return 200, json.dumps({"Quota": {"ServiceCode": "ec2", "QuotaCode": code, "Value": value}})
