"""An EC2 of our own for tests and for `make run-cloud`: what moto's lacks, in memory and behind HTTP."""
