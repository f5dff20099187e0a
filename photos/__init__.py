"""Photos: files to pixel buffers and back, in a sandbox that takes every file for hostile."""
