"""The engine as a library: a dark photo's codes in, a bright photo's codes out."""
