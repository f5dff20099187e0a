"""The program `firstlight`: thin commands over the rooms."""
