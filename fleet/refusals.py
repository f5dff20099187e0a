"""What EC2 says when it gives no machine, and what follows from it; pure.

next pool      the pool has none: remember it, and ask the others
quota          the account may not have such machines at all: tell the operator, ask for the other kinds
operator       nothing can be launched until somebody changes something: stop and tell
token used     this epoch had its launch: look for its machine, then go on with the next epoch
"""

from __future__ import annotations

from typing import Literal

Consequence = Literal["next_pool", "quota", "operator", "token_used"]

_NEXT_POOL = {
    "InsufficientInstanceCapacity",
    "InsufficientCapacityOnHost",
    "InsufficientHostCapacity",
    "UnfulfillableCapacity",
    "SpotMaxPriceTooLow",
    "MaxSpotInstanceCountExceeded",
    "InsufficientFreeAddressesInSubnet",
    "InstanceLimitExceeded",
    "Unsupported",
    "UnsupportedOperation",
}
_TOKEN_USED = {"IdempotentParameterMismatch", "IdempotentInstanceTerminated"}
_OPERATOR = {
    "UnauthorizedOperation": "The launcher's AWS identity lacks a permission: see the policy in deploy/.",
    "AuthFailure": "The AWS credentials are not valid: renew them, and look at the machine's clock.",
    "OptInRequired": "The AWS account is not signed up for EC2 in this region: sign up, or choose another region.",
    "PendingVerification": "AWS is still verifying the account: wait for its mail.",
    "Blocked": "AWS has blocked the account: ask AWS support.",
}
_OPERATOR_PREFIXES = {
    "InvalidLaunchTemplate": "The launch template cannot be used: see FLEET, and the template in the EC2 console.",
    "InvalidAMI": "The machine image of the launch template is gone: bake it again, and update the template.",
    "InvalidSubnet": "A subnet is gone: see SUBNETS.",
    "InvalidGroup": "A security group of the launch template is gone: update the template.",
    "InvalidKeyPair": "The key pair of the launch template is gone: update the template.",
    "InvalidIamInstanceProfile": "The instance profile of the launch template is gone: update the template.",
    "InvalidParameter": "EC2 does not take the launch template with these machines: update the template.",
    "InvalidFleetConfig": "EC2 does not take the launch template with these machines: update the template.",
}
QUOTA = "VcpuLimitExceeded"


def consequence(code: str) -> Consequence:
    """What follows from an error code; one that is not known counts against its pool, so that others are asked."""
    if code in _TOKEN_USED:
        return "token_used"
    if code == QUOTA:
        return "quota"
    if code in _OPERATOR or code.startswith(tuple(_OPERATOR_PREFIXES)):
        return "operator"
    return "next_pool"


def is_capacity(code: str) -> bool:
    """Whether EC2 says by this code that there is none, even where it comes as a server's error."""
    return code in _NEXT_POOL


def cure(code: str, said: str) -> str:
    """A sentence for the operator, with EC2's own words."""
    known = _OPERATOR.get(code) or next(
        (sentence for prefix, sentence in _OPERATOR_PREFIXES.items() if code.startswith(prefix)), ""
    )
    if code == QUOTA:
        known = (
            "The AWS account may not run such machines: new accounts often have a quota of 0 vCPUs. Ask for more under "
            "Service Quotas, Amazon EC2 (`All G and VT Spot Instance Requests` for GPUs), or set FLAVOURS=cpu."
        )
    return " ".join(filter(None, [known, f"EC2 said {code}: {said}" if said else f"EC2 said {code}."]))
