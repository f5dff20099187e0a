"""The fleet's own code under a virtual clock: what a policy costs and how long people wait for their pictures."""
