"""What may be wrong with an installation: one file a family, from observed facts to findings, each with its cure."""
