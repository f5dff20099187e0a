"""This machine's clock beside the dates of AWS's answers."""

from __future__ import annotations

from fleet.checkup.finding import Finding, error, warning

WORTH_TELLING_MS = 30_000  # a lease of ours; an HTTP date is a whole second, and an answer takes its time
REFUSED_MS = 4 * 60_000  # AWS refuses requests signed five minutes off or more


def findings(ahead_ms: int | None) -> list[Finding]:
    """Pure. `ahead_ms` is how far this clock goes ahead of AWS's; None when nothing answered."""
    if ahead_ms is None or abs(ahead_ms) < WORTH_TELLING_MS:
        return []
    off = f"{abs(ahead_ms) / 60_000:.1f} minutes" if abs(ahead_ms) > 90_000 else f"{abs(ahead_ms) / 1000:.0f} seconds"
    return [
        (error if abs(ahead_ms) >= REFUSED_MS else warning)(
            "clock_off",
            f"This machine's clock is {off} {'ahead' if ahead_ms > 0 else 'behind'}: leases, deadlines and AWS's "
            "signatures go by it.",
            "Set the clock: `sudo timedatectl set-ntp true`, or `sudo chronyc makestep`.",
        )
    ]
